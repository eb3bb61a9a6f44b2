import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { planVersion } from "../plans/service";
import { asProviderError } from "../stripe/stripe-client";
import { inTurn } from "../stripe/turn";
import { isGivenUp, isPaidFor, pausedSubscription, pauseEnd } from "../subscriptions/pause-rules";
import { decidingSubscription } from "../subscriptions/rules";
import { releaseSchedule } from "../subscriptions/schedule-change";
import { seatsFor } from "../subscriptions/seat-count";
import {
  localSubscriptions,
  type SubscriptionRow,
  type SubscriptionView,
  subscriptionOf,
} from "../subscriptions/subscription";
import { syncCustomer } from "../sync/sync";
import { type PauseInput, pauseInput } from "./inputs";

/**
 * Lets the subscription rest until it is resumed, at the latest at `until` or when the plan says. Nothing more is charged;
 * the plan holds until the end of what is paid for. Told twice, it changes nothing more.
 * @throws AppError CONFLICT for what can't be paused now, INVALID_INPUT, PAYMENT_PROVIDER, BUSY
 */
export async function pauseSubscription(ctx: TenantCtx, input: PauseInput): Promise<SubscriptionView> {
  const { until } = parseInput(pauseInput, input);
  // Who never bought has no turn to wait for.
  if ((await localSubscriptions(ctx)).length === 0) throw nothingToPause();
  return looking(ctx, async () => {
    const rows = await localSubscriptions(ctx);
    const row = decidingSubscription(rows);
    if (!row && pausedSubscription(rows)) return;
    if (!row?.planVersion) throw nothingToPause();
    refuseNow(row);
    const { plan } = (await planVersion(ctx, row.planVersion)).definition;
    const resumesAt = pauseEnd(plan, until, ctx.now()).toISOString();
    await note(ctx, "subscription.pause_requested", row, { resumesAt });
    await releaseSchedule(ctx, await ctx.stripe.subscriptions.retrieve(row.subscriptionId));
    // Stripe keeps both for us; without the pause they mean nothing. The period itself moves before its payment does.
    const metadata = { resumes_at: resumesAt, paid_until: row.currentPeriodEndsAt.toISOString() };
    await ctx.stripe.subscriptions.update(row.subscriptionId, { metadata });
    // What is left of the period is not credited: resumed before its end, it goes on in it.
    await ctx.stripe.subscriptions.pause(row.subscriptionId, {
      bill_for: { unused_time_from: { type: "none" }, outstanding_usage_through: { type: "none" } },
    });
  });
}

function nothingToPause(): AppError {
  return new AppError("CONFLICT", "There is no subscription to pause.");
}

function refuseNow({ status, cancelAt, changeKind }: SubscriptionRow): void {
  if (status === "past_due") throw new AppError("CONFLICT", "The last payment failed. Please pay it first.");
  if (status === "trialing") throw new AppError("CONFLICT", "A trial can't be paused.");
  if (cancelAt) throw new AppError("CONFLICT", "The subscription is about to end. Resume it first.");
  if (changeKind) throw new AppError("CONFLICT", "Another change is under way. Undo it first.");
}

/**
 * Ends a pause: in the period that is still paid for it goes on as if nothing had been; after it a new one begins and is
 * charged, and the plan holds from its payment on. To be called in the customer's turn.
 */
export async function resumePaused(ctx: TenantCtx, row: SubscriptionRow): Promise<void> {
  const expand = ["latest_invoice"];
  const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId, { expand });
  if (subscription.status !== "paused" || waitsForPayment(subscription)) return;
  await note(ctx, "subscription.resume_requested", row);
  if (isPaidFor(row, ctx.now())) return goOn(ctx, row);
  await setSeats(ctx, row, subscription);
  await ctx.stripe.subscriptions.resume(row.subscriptionId, {
    billing_cycle_anchor: { type: "now" },
    payment_behavior: "resume_on_payment_success",
  });
}

/** In the period that was paid for, which costs nothing more. */
export async function goOn(ctx: TenantCtx, { subscriptionId }: SubscriptionRow): Promise<void> {
  await ctx.stripe.subscriptions.resume(subscriptionId, {
    billing_cycle_anchor: { type: "unchanged" },
    proration_behavior: "none",
  });
}

/** Resumed before, and the invoice of that is open: paying it is what is left to do. */
function waitsForPayment({ latest_invoice: invoice }: Stripe.Subscription): boolean {
  return typeof invoice === "object" && invoice?.status === "open";
}

/** The new period is for those who are there now. */
async function setSeats(
  ctx: TenantCtx,
  row: SubscriptionRow,
  subscription: Stripe.Subscription,
): Promise<void> {
  const item = subscription.items.data.find(({ price }) => price.id === row.priceId);
  if (!item || !row.seatFeature || !row.planVersion) return;
  const quantity = await seatsFor(ctx, await planVersion(ctx, row.planVersion));
  if (quantity === item.quantity) return;
  await ctx.stripe.subscriptions.update(row.subscriptionId, {
    items: [{ id: item.id, quantity }],
    proration_behavior: "none",
  });
}

/**
 * Ends a pause whose time is over; a subscription that could not be charged for 14 days after that is ended.
 * @returns whether there was one
 */
export async function endDuePause(ctx: TenantCtx): Promise<boolean> {
  const isDue = (row: SubscriptionRow | null): row is SubscriptionRow =>
    row?.resumesAt != null && row.resumesAt <= ctx.now();
  if (!isDue(pausedSubscription(await localSubscriptions(ctx)))) return false;
  let ended = false;
  await looking(ctx, async () => {
    const row = pausedSubscription(await localSubscriptions(ctx));
    if (!isDue(row)) return;
    ended = true;
    if (!isGivenUp(row, ctx.now())) return resumePaused(ctx, row);
    await note(ctx, "subscription.given_up", row);
    await ctx.stripe.subscriptions.cancel(row.subscriptionId);
  });
  return ended;
}

/** Each of these sets a state, so asking Stripe twice does no harm. */
async function looking(ctx: TenantCtx, work: () => Promise<void>): Promise<SubscriptionView> {
  await syncCustomer(ctx);
  try {
    await inTurn(ctx, work);
  } catch (error) {
    throw asProviderError(error);
  }
  await syncCustomer(ctx);
  return subscriptionOf(ctx);
}

function note(
  ctx: TenantCtx,
  action: string,
  { subscriptionId: subject }: SubscriptionRow,
  details?: Record<string, unknown>,
): Promise<void> {
  return inTenant(ctx, (_tx, inner) => audit(inner, { action, subject, ...(details ? { details } : {}) }));
}
