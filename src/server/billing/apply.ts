import { and, eq, notInArray } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { entitle } from "../entitlements/entitle";
import { audit } from "../events/service";
import { currentPlan, ensurePlanVersions } from "../plans/service";
import { applyMoneyBack } from "./apply-money-back";
import type { StripeState } from "./fetch";
import { followPrepaid } from "./prepaid";
import { decidingSubscription, type Interval, instantOf, isLive } from "./rules";
import { settleCheckout } from "./settle-checkout";
import { localSubscriptions, type SubscriptionRow } from "./subscription";
import { subscriptions } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };

/** Writes what Stripe says into our tables, and everything that follows from it, in the caller's transaction. */
export async function applyState(ctx: WritingCtx, state: StripeState): Promise<void> {
  await copySubscriptions(ctx, state);
  for (const [checkoutId, session] of state.sessions) await settleCheckout(ctx, checkoutId, session);
  await applyMoneyBack(ctx, state.moneyBack);
  await followSubscription(ctx);
  await followPrepaid(ctx);
}

async function copySubscriptions(ctx: WritingCtx, state: StripeState): Promise<void> {
  const before = await localSubscriptions(ctx);
  const rows = state.subscriptions.flatMap((subscription) => rowOf(ctx, state, subscription));
  for (const row of rows) {
    await ctx.tx
      .insert(subscriptions)
      .values(row)
      .onConflictDoUpdate({ target: [subscriptions.tenantId, subscriptions.subscriptionId], set: row });
  }
  const listed = rows.map((row) => row.subscriptionId);
  await endUnknown(ctx, listed);
  await tellOddities(ctx, liveIds(before), rows);
}

/** What a person should look at: told when it begins, not at every sync. */
async function tellOddities(ctx: WritingCtx, before: string[], rows: SubscriptionRow[]): Promise<void> {
  const live = liveIds(rows);
  if (live.length > 1 && live.join() !== before.join())
    await audit(ctx, { action: "subscription.several_live", details: { subscriptions: live } });
  for (const { subscriptionId, priceId, planVersion } of rows) {
    if (planVersion !== null || !live.includes(subscriptionId) || before.includes(subscriptionId)) continue;
    await audit(ctx, {
      action: "subscription.unknown_price",
      subject: subscriptionId,
      details: { priceId },
    });
  }
}

const liveIds = (rows: readonly SubscriptionRow[]) =>
  rows
    .filter(({ status }) => isLive(status))
    .map(({ subscriptionId }) => subscriptionId)
    .sort();

/** A subscription that Stripe no longer lists went with its customer. */
async function endUnknown(ctx: WritingCtx, listed: string[]): Promise<void> {
  const ofTenant = eq(subscriptions.tenantId, ctx.tenant.id);
  await ctx.tx
    .update(subscriptions)
    .set({ status: "canceled" })
    .where(listed.length === 0 ? ofTenant : and(ofTenant, notInArray(subscriptions.subscriptionId, listed)));
}

function rowOf(
  ctx: TenantCtx,
  { versions }: StripeState,
  subscription: Stripe.Subscription,
): SubscriptionRow[] {
  // The item that sells a plan decides; add-ons beside it don't.
  const items = subscription.items.data;
  const item = items.find(({ price }) => versions.has(price.id)) ?? items[0];
  if (!item) return [];
  const { price } = item;
  const instant = (unixSeconds: number | null) => (unixSeconds === null ? null : instantOf(unixSeconds));
  const periodEndsAt = instantOf(item.current_period_end);
  return [
    {
      tenantId: ctx.tenant.id,
      subscriptionId: subscription.id,
      status: subscription.status,
      planVersion: versions.get(price.id)?.id ?? null,
      priceId: price.id,
      interval: intervalOf(price),
      quantity: item.quantity ?? 1,
      currency: price.currency,
      amountMinor: BigInt(price.unit_amount ?? 0),
      currentPeriodStartsAt: instantOf(item.current_period_start),
      currentPeriodEndsAt: periodEndsAt,
      billingAnchorAt: instantOf(subscription.billing_cycle_anchor),
      cancelAt: instant(subscription.cancel_at) ?? (subscription.cancel_at_period_end ? periodEndsAt : null),
      canceledAt: instant(subscription.canceled_at),
      endedAt: instant(subscription.ended_at),
      trialEndsAt: instant(subscription.trial_end),
      syncedAt: ctx.now(),
    },
  ];
}

const intervalOf = (price: Stripe.Price): Interval =>
  price.recurring?.interval === "year" ? "year" : "month";

/** An operator's choice of plan outlasts a missing subscription, and a tenant on the default keeps its version. */
async function followSubscription(ctx: WritingCtx): Promise<void> {
  const deciding = decidingSubscription(await localSubscriptions(ctx));
  if (deciding?.planVersion) {
    await entitle(ctx, {
      planVersionId: deciding.planVersion,
      source: "subscription",
      interval: deciding.interval,
      anchorAt: deciding.billingAnchorAt,
    });
    return;
  }
  if ((await currentPlan(ctx)).source !== "subscription") return;
  const versions = await ensurePlanVersions(ctx);
  const planVersionId = versions.get(ctx.prices.defaultPlan)!.id;
  await entitle(ctx, { planVersionId, source: "default", interval: "month" });
}
