import { and, eq, inArray, sql } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { asProviderError } from "../stripe/stripe-client";
import { receivedOf, stripeHandlers } from "../sync/handlers";
import { type Drift, noteDrift } from "../sync/note-drift";
import { receive } from "../webhooks/service";
import { webhookInbox } from "../webhooks/tables";
import { walks } from "./tables";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The first walk of all begins so long ago: as long as Stripe itself goes on trying to deliver. */
const FIRST_WALK_DAYS = 3;
/** Stripe keeps events no longer. */
const KEPT_DAYS = 30;
/** Walked once more each time, for events that appear in the list late. */
const OVERLAP_MS = 10 * MINUTE_MS;
/** Not looked at yet: what is being delivered right now. */
const ON_THE_WAY_MS = 2 * MINUTE_MS;
const SHORTEST_SLICE_MS = 10 * MINUTE_MS;
const FEW = 100;
const MANY = 1_000;

/**
 * Walks over Stripe's events since the last walk, and takes in what the inbox never saw, as if it had been delivered. It
 * goes in slices of time, oldest first, and remembers each finished one.
 * @returns how many were taken in
 * @throws AppError PAYMENT_PROVIDER
 */
export async function takeInMissedEvents(ctx: Ctx, hasTime: () => boolean): Promise<number> {
  let takenIn = 0;
  await walk(ctx, await startOf(ctx), async (missed, doneUntil) => {
    for (const event of missed) if ((await receive(ctx, receivedOf(event))) === "stored") takenIn += 1;
    await noteDrift(ctx, missed.map(asDrift), { customerId: null, how: "taken_in" });
    await remember(ctx, doneUntil);
    return hasTime();
  });
  return takenIn;
}

/** Events that the inbox should have and has not. Reads only. @throws AppError PAYMENT_PROVIDER */
export async function missedEvents(ctx: Ctx): Promise<Drift[]> {
  const found: Drift[] = [];
  await walk(ctx, await startOf(ctx), async (missed) => {
    found.push(...missed.map(asDrift));
    return true;
  });
  return found;
}

const asDrift = ({ id, type }: Stripe.Event): Drift => ({
  kind: "event",
  subject: id,
  ours: "never came",
  theirs: type,
});

/** @param onSlice says whether to go on */
async function walk(
  ctx: Ctx,
  from: Date,
  onSlice: (missed: Stripe.Event[], doneUntil: Date) => Promise<boolean>,
): Promise<void> {
  const untilMs = ctx.now().getTime() - ON_THE_WAY_MS;
  // The first slice ends beyond what is walked once more: however short the time, each walk comes further.
  let sliceMs = OVERLAP_MS + SHORTEST_SLICE_MS;
  for (let fromMs = from.getTime(); fromMs < untilMs; ) {
    const toMs = Math.min(fromMs + sliceMs, untilMs);
    const events = await eventsBetween(ctx, fromMs, toMs);
    if (!(await onSlice(await unknownOf(ctx, events), new Date(toMs)))) return;
    // Quiet times are walked in long steps, busy ones in short ones.
    if (events.length < FEW) sliceMs = Math.min(sliceMs * 2, DAY_MS);
    if (events.length > MANY) sliceMs = Math.max(sliceMs / 2, SHORTEST_SLICE_MS);
    fromMs = toMs;
  }
}

/** Those that we asked to be sent, oldest first. */
async function eventsBetween(ctx: Ctx, fromMs: number, toMs: number): Promise<Stripe.Event[]> {
  const created = { gte: Math.floor(fromMs / 1_000), lt: Math.ceil(toMs / 1_000) };
  const events: Stripe.Event[] = [];
  try {
    for await (const event of ctx.stripe.events.list({ created, limit: 100 }))
      if (Object.hasOwn(stripeHandlers, event.type)) events.push(event);
  } catch (error) {
    throw asProviderError(error);
  }
  return events.reverse();
}

async function unknownOf(ctx: Ctx, events: readonly Stripe.Event[]): Promise<Stripe.Event[]> {
  const known = new Set<string>();
  for (let at = 0; at < events.length; at += MANY) {
    const ids = events.slice(at, at + MANY).map(({ id }) => id);
    const rows = await ctx.db.orm
      .select({ id: webhookInbox.eventId })
      .from(webhookInbox)
      .where(
        and(
          eq(webhookInbox.provider, "stripe"),
          eq(webhookInbox.account, ""),
          inArray(webhookInbox.eventId, ids),
        ),
      );
    for (const { id } of rows) known.add(id);
  }
  return events.filter(({ id }) => !known.has(id));
}

async function startOf(ctx: Ctx): Promise<Date> {
  const nowMs = ctx.now().getTime();
  const [row] = await ctx.db.orm.select().from(walks).where(eq(walks.name, "events"));
  if (!row) return new Date(nowMs - FIRST_WALK_DAYS * DAY_MS);
  return new Date(Math.max(Date.parse(row.position) - OVERLAP_MS, nowMs - KEPT_DAYS * DAY_MS));
}

/** Of two runners, the one that has come further counts. */
async function remember(ctx: Ctx, doneUntil: Date): Promise<void> {
  const moved = { position: doneUntil.toISOString(), movedAt: ctx.now() };
  await inTransaction(ctx, (tx) =>
    tx
      .insert(walks)
      .values({ name: "events", ...moved })
      .onConflictDoUpdate({
        target: walks.name,
        set: moved,
        setWhere: sql`${walks.position} < excluded.position`,
      }),
  );
}
