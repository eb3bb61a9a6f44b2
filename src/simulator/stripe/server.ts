import type { AddressInfo } from "node:net";
import { env } from "node:process";
import type Stripe from "stripe";
import { settleDue } from "./billing/due";
import { Clock } from "./clock";
import { type Control, createControl } from "./control";
import { type DeliveryAttempt, DeliveryQueue } from "./delivery";
import { createHttpServer } from "./http";
import { IdempotencyKeys } from "./idempotency";
import { IdSource } from "./ids";
import { readState, rebase, type SavedState, StateFile } from "./persistence";
import { ROUTES } from "./resources/all";
import { createWebhookEndpoint } from "./resources/webhook-endpoints";
import { loadSchemaTools } from "./schema/tools";
import { DEFAULT_MODE, type Dunning, type Settings, type Violation } from "./settings";
import { Store } from "./store";
import { World } from "./world";

interface WebhookOption {
  url: string;
  secret: string;
  /** All events by default. */
  enabledEvents?: string[];
}

export interface StripeSimulatorOptions {
  /** A free port by default. */
  port?: number;
  /** Where the state is kept over restarts; in memory only by default. */
  stateFile?: string;
  /** Where the generated schemas are cached; not inside the source. */
  schemaDir: string;
  /** The clock under the simulated one; real time by default. */
  now?: () => Date;
  /** Moves that clock too, so that advancing the simulator moves all who live by it. */
  moveTo?: (at: Date) => void;
  /** Makes ids the same in every run. */
  seed?: string;
  onViolation?: (violation: Violation) => void;
  /** Endpoints that exist from the start; one with a known address is updated. */
  webhooks?: WebhookOption[];
  dunning?: Dunning;
  /** Webhook retries: the first after `baseMs`, then twice as long each time. */
  retry?: Partial<Settings["retry"]>;
}

export interface StripeSimulator {
  url: string;
  port: number;
  violations: Violation[];
  /** All events so far, oldest first. */
  readonly events: Stripe.Event[];
  /** All delivery attempts so far, oldest first. */
  readonly deliveries: DeliveryAttempt[];
  control: Control;
  close(): Promise<void>;
}

const TICK_MS = 1000;

function settingsOf(options: StripeSimulatorOptions): Settings {
  return {
    mode: { ...DEFAULT_MODE, drop: [] },
    declineNext: 0,
    apiFaults: [],
    nextRefunds: [],
    dunning: options.dunning ?? { retryDays: [1, 3, 5, 7], finally: "cancel" },
    retry: { baseMs: 50, maxAttempts: 8, timeoutMs: 30_000, ...options.retry },
  };
}

function registerWebhooks(world: World, webhooks: WebhookOption[]): void {
  for (const { url, secret, enabledEvents = ["*"] } of webhooks) {
    const known = world.store.all("webhook_endpoint").find((endpoint) => endpoint.url === url);
    if (!known) createWebhookEndpoint(world, { url, secret, enabledEvents });
    else {
      known.enabled_events = enabledEvents;
      world.store.hidden("webhook_endpoint", known.id).secret = secret;
    }
  }
}

async function createWorld(options: StripeSimulatorOptions, saved: SavedState | null): Promise<World> {
  return new World({
    schema: await loadSchemaTools(options.schemaDir),
    store: new Store(saved?.store),
    clock: new Clock(options.now ?? (() => new Date()), saved?.clockOffsetMs, options.moveTo),
    ids: new IdSource(options.seed, saved?.idCounters),
    settings: settingsOf(options),
    onViolation: options.onViolation ?? (() => undefined),
  });
}

/**
 * Starts a Stripe-compatible server on the loopback interface, for development and tests.
 * @throws Error in production.
 */
export async function startStripeSimulator(options: StripeSimulatorOptions): Promise<StripeSimulator> {
  if (env.NODE_ENV === "production") throw new Error("The Stripe simulator does not run in production");
  const saved = readState(options.stateFile);
  const world = await createWorld(options, saved);
  const keys = new IdempotencyKeys(() => world.now(), saved?.idempotencyKeys);
  const state = new StateFile(options.stateFile, () => ({
    format: 1,
    baseUrl: world.baseUrl,
    store: world.store.toJSON(),
    idCounters: world.ids.toJSON(),
    clockOffsetMs: world.clock.toJSON(),
    idempotencyKeys: keys.toJSON(),
    deliveries: world.deliveries.toJSON(),
  }));
  const onChange = () => state.touch();
  world.onChange = onChange;
  world.deliveries = new DeliveryQueue(world, saved?.deliveries, onChange);
  const control = createControl(world, onChange);
  const server = createHttpServer({ world, routes: ROUTES, keys, control, onChange });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  world.baseUrl = `http://127.0.0.1:${port}`;
  if (saved) rebase(world.store, saved.baseUrl, world.baseUrl);
  registerWebhooks(world, options.webhooks ?? []);
  world.deliveries.wake();
  const tick = setInterval(() => settleDue(world, world.now()), TICK_MS);
  return {
    url: world.baseUrl,
    port,
    violations: world.violations,
    control,
    get events() {
      return world.store.all("event").reverse();
    },
    get deliveries() {
      return world.deliveries.attempts;
    },
    close: async () => {
      clearInterval(tick);
      await world.deliveries.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      state.save();
    },
  };
}
