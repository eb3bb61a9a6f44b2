import type Stripe from "stripe";
import { previousAttributes, wireCopy } from "./changes";
import type { Clock } from "./clock";
import type { DeliveryQueue } from "./delivery";
import { noSuch } from "./errors";
import type { IdSource } from "./ids";
import { KINDS, type Kind, type Kinds } from "./kinds";
import type { Skeletons } from "./schema/skeleton";
import type { SchemaTools } from "./schema/tools";
import type { SchemaValidator } from "./schema/validator";
import type { Settings, Violation } from "./settings";
import type { Store } from "./store";

interface Parts {
  schema: SchemaTools;
  store: Store;
  clock: Clock;
  ids: IdSource;
  settings: Settings;
  onViolation: (violation: Violation) => void;
}

/** Everything simulated. Handlers run synchronously, so each request or due task is atomic. */
export class World {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly settings: Settings;
  readonly validator: SchemaValidator;
  readonly skeletons: Skeletons;
  readonly apiVersion: string;
  readonly violations: Violation[] = [];
  /** The API request being executed; null while the simulator acts by itself. */
  request: { id: string; idempotency_key: string | null } | null = null;
  baseUrl = "";
  deliveries!: DeliveryQueue;
  /** Called when something has happened that a restart must remember. */
  onChange: () => void = () => undefined;

  constructor(private readonly parts: Parts) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.ids = parts.ids;
    this.settings = parts.settings;
    this.apiVersion = parts.schema.apiVersion;
    this.validator = parts.schema.validator;
    this.skeletons = parts.schema.skeletons;
  }

  /** Unix seconds, simulated. */
  now(): number {
    return this.clock.now();
  }

  /** An object that is not stored, for previews and embedded parts. */
  build<T>(definition: string, fields: Partial<T>): T {
    return { ...this.skeletons.of(definition), ...fields } as T;
  }

  /** Builds and stores an object; the id, `created` and `livemode` are filled in. */
  create<K extends Kind>(kind: K, fields: Partial<Kinds[K]>): Kinds[K] {
    const facts = KINDS[kind];
    const object = this.build<Kinds[K]>(facts.definition, {
      id: this.ids.next(facts.prefix, facts.idLength),
      ...("created" in this.skeletons.of(facts.definition) ? { created: this.now() } : {}),
      ...fields,
    });
    this.store.put(kind, object);
    return object;
  }

  /** @throws StripeApiError 404, or 400 when the id came in a parameter. */
  get<K extends Kind>(kind: K, id: string, param?: string): Kinds[K] {
    const object = this.store.find(kind, id);
    if (!object) throw noSuch(kind, id, param);
    return object;
  }

  /**
   * Runs work that changes an object and says itself when the event is due: `announce` emits it with what
   * has changed so far, once, and not at all when nothing has.
   */
  changeWith<T extends { id: string }>(
    object: T,
    eventType: string,
    work: (announce: () => void) => void,
  ): void {
    const before = wireCopy(object) as Record<string, unknown>;
    work(() => {
      const previous = previousAttributes(before, wireCopy(object) as Record<string, unknown>);
      if (Object.keys(previous).length > 0) this.emit(eventType, object, previous);
    });
  }

  /** Applies a change and, when something did change, emits the event with `previous_attributes`. */
  change<T extends { id: string }>(object: T, eventType: string, mutate: (object: T) => void): T {
    this.changeWith(object, eventType, (announce) => {
      mutate(object);
      announce();
    });
    return object;
  }

  /** Records an event with a snapshot of the object, checks it and queues its deliveries. */
  emit(type: string, object: object, previous?: Record<string, unknown>): Stripe.Event {
    const endpoints = this.deliveries.endpointsFor(type);
    const data = { object: wireCopy(object), ...(previous ? { previous_attributes: previous } : {}) };
    const event = this.create("event", {
      type,
      data,
      api_version: this.apiVersion,
      pending_webhooks: endpoints.length,
      request: this.request ?? { id: null, idempotency_key: null },
    } as unknown as Partial<Stripe.Event>);
    this.report("event", type, this.validator.event(event));
    for (const endpoint of endpoints) this.deliveries.enqueue(event.id, endpoint.id);
    this.onChange();
    return event;
  }

  /** Notes that something the simulator sent does not match Stripe's schemas. */
  report(where: Violation["where"], subject: string, problems: string[]): void {
    if (problems.length === 0) return;
    const violation: Violation = { where, subject, problems };
    this.violations.push(violation);
    this.parts.onViolation(violation);
  }
}
