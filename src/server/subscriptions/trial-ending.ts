import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { tell } from "../events/service";
import { waits } from "./prepaid-time-rules";
import type { SubscriptionRow } from "./subscription";
import { daysOfTrialNotice } from "./trial-rules";

/**
 * `billing.trial_ending`, once for each end of a trial, when that is near, and before a subscription begins that waited for
 * paid days to end. Goes by our copies and not by Stripe's notice,
 * which may come for a subscription that is no trial any more.
 */
export async function tellTrialEnding(
  ctx: TenantCtx & { tx: Tx },
  rows: readonly SubscriptionRow[],
): Promise<void> {
  for (const { subscriptionId, status, trialEndsAt, cancelAt, ...row } of rows) {
    const begins = waits({ ...row, status }, ctx.now());
    // One that was cancelled while it waits never begins: there is nothing to tell.
    if (begins && cancelAt) continue;
    const daysLeft = trialEndsAt && status === "trialing" ? daysOfTrialNotice(trialEndsAt, ctx.now()) : null;
    if (!trialEndsAt || daysLeft === null) continue;
    const endsAt = trialEndsAt.toISOString();
    const amountMinor = cancelAt ? null : String(row.amountMinor * BigInt(row.quantity));
    await tell(ctx, {
      type: "billing.trial_ending",
      fact: `billing.trial_ending:${subscriptionId}:${endsAt}`,
      payload: {
        plan: row.planVersion,
        daysLeft,
        endsAt,
        amountMinor,
        currency: row.currency,
        ...(begins && { begins }),
      },
    });
  }
}
