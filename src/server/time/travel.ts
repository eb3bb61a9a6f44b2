import { setTimeout as delay } from "node:timers/promises";
import { logError } from "@/lib/log";
import { type Ctx, createCtx } from "../context";
import { inboxHealth } from "../webhooks/list-events";
import { nextDueHere } from "./next-due";
import { type Due, nextStop, soonest } from "./rules";
import type { Simulator } from "./simulator";

/** What has to be moved together. */
export interface World {
  ctx: Ctx;
  clock: { hold: (at: Date) => void; release: () => void };
  simulator: Simulator;
  /** What cron runs, in the order it is to run at each stop. */
  jobs: Readonly<Record<string, (ctx: Ctx) => Promise<unknown>>>;
  /** Those of them that only look for what Stripe said: not run while it says nothing. */
  aboutStripe: ReadonlySet<string>;
}

export interface Journey {
  /** Where it is, after each step. */
  onStep?: (at: Date) => void;
  /** Ends it after the step under way. */
  signal?: AbortSignal;
}

/** Effects have effects; what has not come to rest after so many rounds does so at the next stop. */
const MAX_ROUNDS = 4;
const INBOX_WAIT_MS = 15_000;
const INBOX_LOOK_MS = 15;

/**
 * Moves everybody's clock to an instant, stopping at each thing that falls due on the way and at least once a day. At a
 * stop the clock stands still: Stripe does what is due, its webhooks are worked off, then cron runs, until nothing is new.
 * So whatever happens is stamped with its own instant. Afterwards the clock runs on from where it is.
 * @returns how many stops there were, and what failed at them
 */
export async function travel(
  world: World,
  to: Date,
  { onStep, signal }: Journey = {},
): Promise<{ stops: number; failures: string[] }> {
  const { ctx, clock } = world;
  const trip: Trip = { failures: [], events: -1, quietStops: 0 };
  let stops = 0;
  try {
    clock.hold(ctx.now());
    await comeToRest(world, trip);
    for (let at = ctx.now(); at < to && !signal?.aborted; stops += 1) {
      at = nextStop(at, to, await nextDue(world));
      clock.hold(at);
      await comeToRest(world, trip);
      onStep?.(at);
    }
  } finally {
    clock.release();
  }
  return { stops, failures: trip.failures };
}

/** What comes next, at Stripe or with us; null when nothing will. */
export async function nextDue({ ctx, simulator }: Pick<World, "ctx" | "simulator">): Promise<Due | null> {
  const [{ next }, ours] = await Promise.all([simulator.due(), nextDueHere(ctx)]);
  return soonest(ctx.now(), [next, ours]);
}

/** What a journey remembers from stop to stop. */
interface Trip {
  failures: string[];
  /** How many there were at Stripe so far. */
  events: number;
  /** Stops in a row at which there was no new one. */
  quietStops: number;
}

async function comeToRest(world: World, trip: Trip): Promise<void> {
  const { ctx, simulator } = world;
  const before = trip.events;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { events } = await simulator.due();
    if (round > 0 && events === trip.events) break;
    if (events !== trip.events) trip.quietStops = 0;
    trip.events = events;
    await simulator.flush();
    await inboxAtRest(ctx);
    await runJobs(world, trip);
  }
  if (trip.events === before) trip.quietStops += 1;
}

/** One stop more after the last event: what has just been sent may still be on its way, and is not looked for. */
const QUIET_STOPS = 1;

async function runJobs({ ctx, jobs, aboutStripe }: World, trip: Trip): Promise<void> {
  for (const [name, job] of Object.entries(jobs)) {
    if (aboutStripe.has(name) && trip.quietStops > QUIET_STOPS) continue;
    const run = () => job(createCtx(ctx, { kind: "cron", job: name }));
    try {
      // Once more at once: a database that was busy for a moment must not put things off to the next stop.
      await run().catch(run);
    } catch (error) {
      // As with a real cron: the next one goes on, and this one runs again at the next stop.
      logError(`cron ${name}`, error);
      const why = error instanceof Error ? error.message : String(error);
      trip.failures.push(`${ctx.now().toISOString()} ${name}: ${why}`);
    }
  }
}

/** An event that failed waits for its back-off, in real time: it is not waited for longer than this. */
async function inboxAtRest(ctx: Ctx): Promise<void> {
  for (let waitedMs = 0; waitedMs < INBOX_WAIT_MS; waitedMs += INBOX_LOOK_MS) {
    if ((await inboxHealth(ctx)).waiting === 0) return;
    await delay(INBOX_LOOK_MS);
  }
}
