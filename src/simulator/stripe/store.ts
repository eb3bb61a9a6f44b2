import type { Hidden, Kind, Kinds } from "./kinds";
import { KINDS } from "./kinds";

type HiddenKind = keyof Hidden;

export interface StoreSnapshot {
  objects: Partial<Record<Kind, unknown[]>>;
  hidden: Record<string, unknown>;
}

// Stripe keeps events for 30 days; a simulator that jumps through years keeps this many.
const MAX_EVENTS = 20_000;
const MAX_SAVED_EVENTS = 2000;

/** All simulated objects, in order of creation. */
export class Store {
  private readonly tables = new Map<Kind, Map<string, unknown>>();
  private readonly hiddenParts = new Map<string, object>();
  private readonly kindOfId = new Map<string, Kind>();

  constructor(snapshot?: StoreSnapshot) {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      this.tables.set(kind, new Map());
      for (const object of (snapshot?.objects[kind] ?? []) as Array<Kinds[Kind]>)
        this.put(kind, object as never);
    }
    for (const [id, part] of Object.entries(snapshot?.hidden ?? {})) this.hiddenParts.set(id, part as object);
  }

  put<K extends Kind>(kind: K, object: Kinds[K]): void {
    const table = this.tables.get(kind)!;
    table.set(object.id, object);
    this.kindOfId.set(object.id, kind);
    if (kind === "event" && table.size > MAX_EVENTS)
      this.remove("event", table.keys().next().value as string);
  }

  find<K extends Kind>(kind: K, id: string): Kinds[K] | undefined {
    return this.tables.get(kind)!.get(id) as Kinds[K] | undefined;
  }

  /** Any object by id alone, for expansion. */
  findAny(id: string): Kinds[Kind] | undefined {
    const kind = this.kindOfId.get(id);
    return kind && this.find(kind, id);
  }

  /** Newest first, as Stripe lists. */
  all<K extends Kind>(kind: K): Array<Kinds[K]> {
    return ([...this.tables.get(kind)!.values()] as Array<Kinds[K]>).reverse();
  }

  remove(kind: Kind, id: string): void {
    this.tables.get(kind)!.delete(id);
    this.kindOfId.delete(id);
    this.hiddenParts.delete(id);
  }

  /** The part of an object that Stripe does not show; change it in place. */
  hidden<K extends HiddenKind>(_kind: K, id: string): Hidden[K] {
    if (!this.hiddenParts.has(id)) this.hiddenParts.set(id, {});
    return this.hiddenParts.get(id) as Hidden[K];
  }

  toJSON(): StoreSnapshot {
    const objects: StoreSnapshot["objects"] = {};
    for (const [kind, table] of this.tables) objects[kind] = [...table.values()];
    const events = objects.event as Array<Kinds["event"]>;
    objects.event = events.filter(
      (event, index) => index >= events.length - MAX_SAVED_EVENTS || event.pending_webhooks > 0,
    );
    return { objects, hidden: Object.fromEntries(this.hiddenParts) };
  }
}
