import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { tryTurn, untilAnswered } from "../stripe/turn";
import { isPaidFor, pausedSubscription } from "../subscriptions/pause-rules";
import { comesByMove } from "../subscriptions/plan-move-parts";
import { decidingSubscription } from "../subscriptions/rules";
import { dropPendingUpdate, releaseSchedule } from "../subscriptions/schedule-change";
import {
  localSubscriptions,
  type SubscriptionRow,
  type SubscriptionView,
  subscriptionOf,
} from "../subscriptions/subscription";
import { syncCustomer } from "../sync/sync";
import { type CancelInput, cancelInput } from "./inputs";
import { goOn, resumePaused } from "./pause";

/**
 * Ends the subscription, at once or when the period that is paid for does. What is left of a period that is ended at
 * once is not given back, and a change that was still to come is off. Told twice, it changes nothing more.
 * @throws AppError CONFLICT without a subscription, PAYMENT_PROVIDER, BUSY
 */
export async function cancelSubscription(ctx: TenantCtx, input: CancelInput): Promise<SubscriptionView> {
  const wish = parseInput(cancelInput, input);
  const { when, reason, comment } = wish;
  const cancellation_details = { feedback: reason, ...(comment ? { comment } : {}) };
  return inTurn(ctx, async (row) => {
    if (when === "period_end" && row.cancelAt) return;
    await request(ctx, "subscription.cancel_requested", row, { when, reason, comment: comment ?? null });
    const isPaused = row.status === "paused";
    const goesOn = when === "period_end" && (!isPaused || isPaidFor(row, ctx.now()));
    if (isPaused && goesOn) await goOn(ctx, row);
    const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId);
    await releaseSchedule(ctx, subscription);
    await dropPendingUpdate(ctx, subscription);
    if (!goesOn) await cancelNow(ctx, row, cancellation_details);
    else
      await ctx.stripe.subscriptions.update(row.subscriptionId, {
        cancel_at_period_end: true,
        cancellation_details,
      });
  });
}

/**
 * Takes back an end that has not come yet, or ends a pause: the subscription renews again. Told twice, it changes nothing more.
 * @throws AppError CONFLICT without a subscription, PAYMENT_PROVIDER, BUSY
 */
export async function resumeSubscription(ctx: TenantCtx): Promise<SubscriptionView> {
  return inTurn(ctx, async (row) => {
    if (row.status === "paused") return resumePaused(ctx, row);
    if (!row.cancelAt) return;
    await request(ctx, "subscription.resume_requested", row);
    const { cancel_at_period_end } = await ctx.stripe.subscriptions.retrieve(row.subscriptionId);
    await ctx.stripe.subscriptions.update(
      row.subscriptionId,
      cancel_at_period_end ? { cancel_at_period_end: false } : { cancel_at: "" },
    );
  });
}

/**
 * Takes back a change that has not taken effect: one scheduled for the period's end, or one that waits for its payment.
 * Told twice, it changes nothing more.
 * @throws AppError CONFLICT without a subscription, PAYMENT_PROVIDER, BUSY
 */
export async function undoChange(ctx: TenantCtx): Promise<SubscriptionView> {
  return inTurn(ctx, async (row) => {
    if (!row.changeKind) return;
    if (await comesByMove(ctx, row))
      throw new AppError(
        "CONFLICT",
        "This plan changes for everyone who has it. You can choose another one, or cancel.",
      );
    const { changePlanVersion, changeInterval } = row;
    await request(ctx, "subscription.undo_requested", row, {
      to: changePlanVersion,
      interval: changeInterval,
    });
    const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId);
    await releaseSchedule(ctx, subscription);
    await dropPendingUpdate(ctx, subscription);
  });
}

/** Each of these sets a state, so asking Stripe twice does no harm: what a crash left undone, the next try does. */
async function inTurn(
  ctx: TenantCtx,
  work: (row: SubscriptionRow) => Promise<void>,
): Promise<SubscriptionView> {
  await syncCustomer(ctx);
  // Who never bought has no turn to wait for.
  await liveRow(ctx);
  await untilAnswered(() =>
    tryTurn(ctx, async () => {
      await work(await liveRow(ctx));
      return true as const;
    }).catch((error) => {
      throw asProviderError(error);
    }),
  );
  await syncCustomer(ctx);
  return subscriptionOf(ctx);
}

async function liveRow(ctx: TenantCtx): Promise<SubscriptionRow> {
  const rows = await localSubscriptions(ctx);
  const row = decidingSubscription(rows) ?? pausedSubscription(rows);
  if (!row) throw new AppError("CONFLICT", "There is no subscription.");
  return row;
}

function request(
  ctx: TenantCtx,
  action: string,
  { subscriptionId: subject }: SubscriptionRow,
  details?: Record<string, unknown>,
): Promise<void> {
  return inTenant(ctx, (_tx, inner) => audit(inner, { action, subject, ...(details ? { details } : {}) }));
}

/** One that has ended meanwhile is as wished. */
async function cancelNow(
  ctx: TenantCtx,
  { subscriptionId }: SubscriptionRow,
  cancellation_details: Stripe.SubscriptionCancelParams.CancellationDetails,
): Promise<void> {
  try {
    await ctx.stripe.subscriptions.cancel(subscriptionId, { cancellation_details });
  } catch (error) {
    if (!isMissingAtStripe(error)) throw error;
  }
}
