import { and, eq, isNotNull } from "drizzle-orm";
import Stripe from "stripe";
import { newId } from "@/lib/ids";
import { logError } from "@/lib/log";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { outbox } from "../events/tables";
import { fulfilOrder } from "../orders/fulfil-order";
import { closeOrder } from "../orders/place-order";
import { asProviderError } from "../stripe/stripe-client";
import { type TopUpFailure, topUpWaitSeconds } from "./auto-top-up-rules";
import { autoTopUps, topUpAttempts } from "./tables";
import { dueTopUp, watchTopUp } from "./top-up-due";
import { ofAttempt, type TopUpAttempt, type TopUpPayment } from "./top-up-payment";
import { lockAutoTopUp } from "./top-up-standing";

type WritingCtx = TenantCtx & { tx: Tx };
type Ending = Partial<typeof topUpAttempts.$inferInsert> & { status: "paid" | "failed" | "abandoned" };
interface Failure {
  reason: TopUpFailure;
  code: string;
  message: string;
}

/** Writes down how a payment ended, once, whoever comes second. */
export async function settleTopUp(
  ctx: TenantCtx,
  attempt: TopUpAttempt,
  { outcome, intent }: TopUpPayment,
): Promise<"bought" | "failed" | "abandoned" | "waiting"> {
  if (outcome.kind === "paid" && intent) {
    await inTenant(ctx, (_tx, inner) => settlePaid(inner, attempt, intent));
    return "bought";
  }
  if (outcome.kind === "failed") {
    await inTenant(ctx, (_tx, inner) => settleFailed(inner, attempt, outcome));
    if (intent) await putAway(ctx, intent);
    return "failed";
  }
  if (outcome.kind === "canceled") {
    await inTenant(ctx, (_tx, inner) => settleAbandoned(inner, attempt));
    return "abandoned";
  }
  return postponeTopUp(ctx, attempt, null);
}

/** Nobody knows yet how it ended: the same payment is looked at again, later each time. No fault of the network is a decline. */
export async function postponeTopUp(
  ctx: TenantCtx,
  attempt: TopUpAttempt,
  error: unknown,
): Promise<"waiting"> {
  const waitMs = topUpWaitSeconds(attempt.tries) * 1_000;
  const isOurs = attempt.leaseEndsAt && eq(topUpAttempts.leaseEndsAt, attempt.leaseEndsAt);
  await inTenant(ctx, async (tx, inner) => {
    await lockAutoTopUp(inner);
    const freed = await tx
      .update(topUpAttempts)
      .set({ leaseEndsAt: null })
      .where(and(ofAttempt(ctx, attempt), eq(topUpAttempts.status, "in_flight"), isOurs ?? undefined))
      .returning();
    if (freed.length > 0) await dueTopUp(inner, new Date(ctx.now().getTime() + waitMs));
  });
  const known = asProviderError(error);
  if (known === null) return "waiting";
  if (!(known instanceof AppError)) throw known;
  logError(`top-up ${attempt.orderId} waits`, known);
  return "waiting";
}

/** The balance is looked at once more right away: one pack may not have been enough. */
async function settlePaid(
  ctx: WritingCtx,
  attempt: TopUpAttempt,
  intent: Stripe.PaymentIntent,
): Promise<void> {
  await lockAutoTopUp(ctx);
  if (!(await end(ctx, attempt, { status: "paid" }))) return;
  await fulfilOrder(ctx, attempt.orderId, {
    paymentId: intent.id,
    paidAt: ctx.now(),
    totalMinor: BigInt(intent.amount_received),
    currency: intent.currency,
  });
  await dueTopUp(ctx, ctx.now());
}

/** The first decline is the last attempt: no card is asked again until a person wants it. */
async function settleFailed(ctx: WritingCtx, attempt: TopUpAttempt, failure: Failure): Promise<void> {
  await lockAutoTopUp(ctx);
  const { reason, message } = failure;
  const ended = await end(ctx, attempt, { status: "failed", failedReason: reason, failedMessage: message });
  if (!ended) return;
  await closeOrder(ctx, attempt.orderId, "failed", reason);
  await stopTopUps(ctx, { ...failure, orderId: attempt.orderId });
}

async function settleAbandoned(ctx: WritingCtx, attempt: TopUpAttempt): Promise<void> {
  await lockAutoTopUp(ctx);
  if (!(await end(ctx, attempt, { status: "abandoned" }))) return;
  await closeOrder(ctx, attempt.orderId, "expired");
  await audit(ctx, { action: "top_up.abandoned", subject: attempt.orderId });
  await dueTopUp(ctx, ctx.now());
}

/** The compare-and-swap of an attempt's end. false: it had ended before. */
async function end(ctx: WritingCtx, attempt: TopUpAttempt, ending: Ending): Promise<boolean> {
  const ended = await ctx.tx
    .update(topUpAttempts)
    .set({ ...ending, leaseEndsAt: null, finishedAt: ctx.now() })
    .where(and(ofAttempt(ctx, attempt), eq(topUpAttempts.status, "in_flight")))
    .returning();
  return ended.length > 0;
}

/** Stops, and tells the tenant once. Nothing happens when it was off already. */
export async function stopTopUps(
  ctx: WritingCtx,
  failure: Failure & { orderId: string | null },
): Promise<void> {
  const now = ctx.now();
  const { reason, code, message, orderId } = failure;
  const stopped = { stoppedAt: now, stoppedReason: reason, stoppedCode: code, stoppedMessage: message };
  const [row] = await ctx.tx
    .update(autoTopUps)
    .set({ enabledAt: null, ...stopped, stoppedOrderId: orderId })
    .where(and(eq(autoTopUps.tenantId, ctx.tenant.id), isNotNull(autoTopUps.enabledAt)))
    .returning();
  await watchTopUp(ctx, null);
  if (!row) return;
  const id = newId("message", now);
  const payUrl = payByHandUrl(ctx, row.packId);
  await ctx.tx.insert(outbox).values({
    tenantId: ctx.tenant.id,
    id,
    fact: `credits.top_up_failed:${orderId ?? id}`,
    type: "credits.top_up_failed",
    payload: { orderId, reason, code, message, payUrl },
    createdAt: now,
  });
  await audit(ctx, { action: "top_up.stopped", subject: orderId ?? undefined, details: { reason, code } });
}

/** Where a person buys the same pack at a page that can ask the card's owner to confirm. */
export function payByHandUrl(ctx: TenantCtx, packId: string): string {
  return `${ctx.appUrl}/${ctx.tenant.slug}/credits?pack=${packId}`;
}

/** A declined intent is closed at Stripe, so that nobody pays it later. It has no card any more: failing here harms nothing. */
async function putAway(ctx: TenantCtx, intent: Stripe.PaymentIntent): Promise<void> {
  if (intent.status === "canceled") return;
  try {
    await ctx.stripe.paymentIntents.cancel(intent.id);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    logError(`top-up ${intent.id} was not put away`, asProviderError(error));
  }
}
