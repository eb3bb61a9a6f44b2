import { createHash } from "node:crypto";
import Stripe from "stripe";
import type { DeliveryChance, Settings } from "./settings";
import type { Store } from "./store";

/** One attempt to deliver an event to an endpoint. */
export interface DeliveryAttempt {
  eventId: string;
  type: string;
  endpointId: string;
  url: string;
  attempt: number;
  /** HTTP status; null when there was no answer or no attempt. */
  status: number | null;
  outcome: "delivered" | "failed" | "abandoned" | "dropped";
}

export interface DeliveryJob {
  eventId: string;
  endpointId: string;
  /** Tries made so far. */
  attempts: number;
  /** Real time in milliseconds. */
  dueAtMs: number;
}

/** Whether chance hits an event: decided by seed and id alone, so a run can be repeated. */
function strikes(chance: DeliveryChance | null, what: "drop" | "duplicate" | "late", id: string): boolean {
  if (!chance) return false;
  const digest = createHash("sha256").update(`${chance.seed}:${what}:${id}`).digest();
  return digest.readUInt32BE(0) < chance[what] * 2 ** 32;
}

const MAX_RECORDS = 10_000;

/** Sends signed events to the registered endpoints, one at a time, with retries that back off. */
export class DeliveryQueue {
  readonly attempts: DeliveryAttempt[] = [];
  private readonly signer = new Stripe("sk_test_simulator_signer");
  private timer: NodeJS.Timeout | undefined;
  private batch: DeliveryJob[] = [];
  private isRunning = false;
  private isClosed = false;
  private idleWaiters: Array<() => void> = [];

  constructor(
    private readonly world: { store: Store; settings: Settings },
    private jobs: DeliveryJob[] = [],
    private readonly onChange: () => void = () => undefined,
  ) {}

  /** Enabled endpoints that want a type of event. */
  endpointsFor(type: string): Stripe.WebhookEndpoint[] {
    const endpoints = this.world.store.all("webhook_endpoint").reverse();
    return endpoints.filter(
      ({ status, enabled_events: wanted }) =>
        status === "enabled" && (wanted.includes("*") || wanted.includes(type)),
    );
  }

  enqueue(eventId: string, endpointId: string): void {
    this.jobs.push({
      eventId,
      endpointId,
      attempts: 0,
      dueAtMs: Date.now() + this.world.settings.mode.delayMs + this.lateness(eventId),
    });
    this.wake();
  }

  /** Forgets what is waiting for an endpoint that was deleted. */
  forgetEndpoint(endpointId: string): void {
    this.jobs = this.jobs.filter((job) => job.endpointId !== endpointId);
  }

  /** Looks for work soon; call it after a change of mode. */
  wake(): void {
    if (this.isClosed) return;
    clearTimeout(this.timer);
    const next = Math.min(...this.jobs.map((job) => job.dueAtMs));
    if (this.jobs.length === 0 || this.world.settings.mode.hold) {
      this.announceIdle();
      return;
    }
    this.timer = setTimeout(() => void this.run(), Math.max(0, next - Date.now()));
  }

  /** Resolves when every delivery has been made, dropped or given up; held ones don't count. */
  async flush(): Promise<void> {
    while (!this.isClosed && (this.isRunning || (this.jobs.length > 0 && !this.world.settings.mode.hold))) {
      await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    }
  }

  /** Stops sending. What is still waiting is part of the saved state. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    while (this.isRunning) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    this.announceIdle();
  }

  /** Everything not delivered yet, so that a crash repeats a delivery rather than losing it. */
  toJSON(): DeliveryJob[] {
    return [...this.batch, ...this.jobs];
  }

  private lateness(eventId: string): number {
    const { chance } = this.world.settings.mode;
    return chance && strikes(chance, "late", eventId) ? chance.lateMs : 0;
  }

  private announceIdle(): void {
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  private async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      this.batch = this.takeDue();
      for (let job = this.batch[0]; job; job = this.batch[0]) {
        if (this.isClosed || this.world.settings.mode.hold) break;
        await this.deliver(job);
        this.batch.shift();
      }
    } finally {
      this.jobs.unshift(...this.batch);
      this.batch = [];
      this.isRunning = false;
      this.announceIdle();
      this.wake();
    }
  }

  private takeDue(): DeliveryJob[] {
    const nowMs = Date.now();
    const due = this.jobs.filter((job) => job.dueAtMs <= nowMs);
    this.jobs = this.jobs.filter((job) => job.dueAtMs > nowMs);
    return this.world.settings.mode.reverse ? due.reverse() : due;
  }

  private async deliver(job: DeliveryJob): Promise<void> {
    const event = this.world.store.find("event", job.eventId);
    const endpoint = this.world.store.find("webhook_endpoint", job.endpointId);
    if (!event || !endpoint) return;
    const { drop, chance } = this.world.settings.mode;
    const duplicate = this.world.settings.mode.duplicate || strikes(chance, "duplicate", job.eventId);
    const isDropped = drop.includes(event.type) || drop.includes("*");
    if (isDropped || strikes(chance, "drop", job.eventId))
      return this.record(job, event, endpoint, null, "dropped");
    const status = await this.post(event, endpoint);
    if (duplicate) await this.post(event, endpoint);
    job.attempts += 1;
    const isDelivered = status !== null && status >= 200 && status < 300;
    if (isDelivered) {
      event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
      return this.record(job, event, endpoint, status, "delivered");
    }
    const { baseMs, maxAttempts } = this.world.settings.retry;
    if (job.attempts >= maxAttempts) return this.record(job, event, endpoint, status, "abandoned");
    this.record(job, event, endpoint, status, "failed");
    this.jobs.push({ ...job, dueAtMs: Date.now() + baseMs * 2 ** (job.attempts - 1) });
  }

  private record(
    job: DeliveryJob,
    event: Stripe.Event,
    endpoint: Stripe.WebhookEndpoint,
    status: number | null,
    outcome: DeliveryAttempt["outcome"],
  ): void {
    const { eventId, endpointId, attempts: attempt } = job;
    this.attempts.push({
      eventId,
      type: event.type,
      endpointId,
      url: endpoint.url,
      attempt,
      status,
      outcome,
    });
    if (this.attempts.length > MAX_RECORDS) this.attempts.shift();
    this.onChange();
  }

  // Signed with real time: the SDK refuses stamps that are more than five minutes off.
  private async post(event: Stripe.Event, endpoint: Stripe.WebhookEndpoint): Promise<number | null> {
    const payload = JSON.stringify(event, null, 2);
    const secret = this.world.store.hidden("webhook_endpoint", endpoint.id).secret ?? "";
    const signature = this.signer.webhooks.generateTestHeaderString({ payload, secret });
    try {
      const response = await fetch(endpoint.url, {
        method: "POST",
        body: payload,
        redirect: "manual",
        headers: {
          "content-type": "application/json; charset=utf-8",
          "stripe-signature": signature,
          "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        },
        signal: AbortSignal.timeout(this.world.settings.retry.timeoutMs),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return null;
    }
  }
}
