import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { entitle } from "../entitlements/entitle";
import { copyInvoices } from "../invoices/note-invoice";
import { tellLatestPaid } from "../invoices/tell-invoice-paid";
import { followPrepaid } from "../orders/prepaid";
import { settleCheckout } from "../orders/settle-checkout";
import { followPlanMoves } from "../plan-moves/follow-plan-moves";
import { currentPlan, ensurePlanVersions } from "../plans/service";
import { openDunnings, standingOf } from "../subscriptions/dunning";
import { isPaidFor, pausedSubscription } from "../subscriptions/pause-rules";
import { versionInForce } from "../subscriptions/plan-move-parts";
import { waits } from "../subscriptions/prepaid-time-rules";
import { decidingSubscription } from "../subscriptions/rules";
import { settlePlanChanges } from "../subscriptions/settle-plan-changes";
import { localSubscriptions } from "../subscriptions/subscription";
import { claimTrial } from "../subscriptions/subscription-trial";
import { applyDunning } from "./apply-dunning";
import { applyMoneyBack } from "./apply-money-back";
import { copySubscriptions } from "./copy-subscriptions";
import type { StripeState } from "./fetch";

type WritingCtx = TenantCtx & { tx: Tx };

/** Writes what Stripe says into our tables, and everything that follows from it, in the caller's transaction. */
export async function applyState(ctx: WritingCtx, state: StripeState): Promise<void> {
  await copySubscriptions(ctx, state);
  await settlePlanChanges(ctx);
  for (const trial of state.trials) await claimTrial(ctx, trial);
  for (const [checkoutId, session] of state.sessions) await settleCheckout(ctx, checkoutId, session);
  await applyMoneyBack(ctx, state.moneyBack);
  await copyInvoices(ctx, state.invoices);
  await applyDunning(ctx, state);
  await tellLatestPaid(ctx, state.subscriptions);
  await followSubscription(ctx);
  await followPrepaid(ctx);
  await followPlanMoves(ctx);
}

/** An operator's choice of plan outlasts a missing subscription, and a tenant on the default keeps its version. */
async function followSubscription(ctx: WritingCtx): Promise<void> {
  const begun = (await localSubscriptions(ctx)).filter((row) => !waits(row, ctx.now()));
  const standing = standingOf(begun, await openDunnings(ctx));
  const deciding = decidingSubscription(standing.map(({ row }) => row));
  if (deciding?.planVersion) {
    await entitle(ctx, {
      planVersionId: await versionInForce(ctx, deciding.planVersion),
      source: "subscription",
      interval: deciding.interval,
      anchorAt: deciding.billingAnchorAt,
      endsAt: standing.find(({ row }) => row === deciding)?.endsAt,
    });
    return;
  }
  // In a pause the plan holds until the end of what was paid for.
  const paused = pausedSubscription(standing.map(({ row }) => row));
  if (paused?.planVersion && paused.paidUntil && isPaidFor(paused, ctx.now())) {
    await entitle(ctx, {
      planVersionId: await versionInForce(ctx, paused.planVersion),
      source: "subscription",
      interval: paused.interval,
      anchorAt: paused.billingAnchorAt,
      endsAt: paused.paidUntil,
    });
    return;
  }
  if ((await currentPlan(ctx)).source !== "subscription") return;
  const versions = await ensurePlanVersions(ctx);
  const planVersionId = versions.get(ctx.prices.defaultPlan)!.id;
  await entitle(ctx, { planVersionId, source: "default", interval: "month" });
}
