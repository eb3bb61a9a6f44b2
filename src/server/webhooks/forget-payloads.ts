import { and, asc, eq, inArray, isNotNull, lt, sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { webhookInbox } from "./tables";

/** As long as Stripe itself keeps an event. */
const KEPT_DAYS = 30;
const DAY_MS = 86_400_000;
const PER_BATCH = 500;
const BATCHES_PER_RUN = 20;

/**
 * Empties the payloads of events that were worked off more than 30 days ago, in batches. Rows stay, so that an event
 * that comes again is still known; what money rests on keeps its payload, and so does what waits for a person.
 */
export async function forgetPayloads(ctx: Ctx): Promise<{ payloadsForgotten: number }> {
  let payloadsForgotten = 0;
  for (let batch = 0; batch < BATCHES_PER_RUN; batch += 1) {
    const forgotten = await forgetBatch(ctx);
    payloadsForgotten += forgotten;
    if (forgotten < PER_BATCH) break;
  }
  return { payloadsForgotten };
}

async function forgetBatch(ctx: Ctx): Promise<number> {
  const before = new Date(ctx.now().getTime() - KEPT_DAYS * DAY_MS);
  const isForgettable = and(
    isNotNull(webhookInbox.payload),
    eq(webhookInbox.keep, false),
    lt(webhookInbox.receivedAt, before),
    inArray(webhookInbox.status, ["done", "ignored"]),
  );
  return inTransaction(ctx, async (tx) => {
    const old = tx
      .select({ row: sql`ctid` })
      .from(webhookInbox)
      .where(isForgettable)
      .orderBy(asc(webhookInbox.receivedAt))
      .limit(PER_BATCH)
      .for("update", { skipLocked: true });
    const forgotten = await tx
      .update(webhookInbox)
      .set({ payload: null })
      .where(sql`ctid = any(array(${old}))`)
      .returning({ eventId: webhookInbox.eventId });
    return forgotten.length;
  });
}
