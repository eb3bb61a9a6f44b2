import { and, eq, notInArray, sql } from "drizzle-orm";
import type Stripe from "stripe";
import { newId } from "@/lib/ids";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { audit, tell } from "../events/service";
import { beginOf } from "../orders/prepaid-moves";
import { type Interval, instantOf } from "../stripe/rules";
import { discountsOf } from "../subscriptions/discount-rules";
import { comingChange } from "../subscriptions/plan-change-state";
import { isPartOfMove } from "../subscriptions/plan-move-parts";
import { isLive } from "../subscriptions/rules";
import { paidQuantity, seatsOf } from "../subscriptions/seat-rules";
import { localSubscriptions, type SubscriptionRow } from "../subscriptions/subscription";
import { subscriptions } from "../subscriptions/tables";
import { tellTrialEnding } from "../subscriptions/trial-ending";
import type { StripeState } from "./fetch";

type WritingCtx = TenantCtx & { tx: Tx };

/** Writes Stripe's subscriptions into our copies, and what a person has to know about them. */
export async function copySubscriptions(ctx: WritingCtx, state: StripeState): Promise<void> {
  const before = await localSubscriptions(ctx);
  const rows = state.subscriptions.flatMap((subscription) => {
    const old = before.find(({ subscriptionId }) => subscriptionId === subscription.id);
    return rowOf(ctx, state, { subscription, old });
  });
  for (const row of rows) {
    await ctx.tx
      .insert(subscriptions)
      .values(row)
      .onConflictDoUpdate({ target: [subscriptions.tenantId, subscriptions.subscriptionId], set: row });
  }
  const listed = rows.map((row) => row.subscriptionId);
  await endUnknown(ctx, listed);
  await tellOddities(ctx, liveIds(before), rows);
  await tellChanges(ctx, before, rows);
  await tellTrialEnding(ctx, rows);
}

/** `billing.plan_changed`, once for each time that a running subscription was moved to another plan or interval. */
async function tellChanges(
  ctx: WritingCtx,
  before: readonly SubscriptionRow[],
  rows: readonly SubscriptionRow[],
): Promise<void> {
  for (const row of rows) {
    const old = before.find(({ subscriptionId }) => subscriptionId === row.subscriptionId);
    if (!old || !isLive(old.status) || !isLive(row.status) || old.priceId === row.priceId) continue;
    if (await isMove(ctx, old, row)) continue;
    const { subscriptionId, planVersion: to, interval, currentPeriodEndsAt } = row;
    await tell(ctx, {
      type: "billing.plan_changed",
      // A subscription may come back to a price: each of our copies' changes is a fact of its own.
      fact: `billing.plan_changed:${subscriptionId}:${newId("message", ctx.now())}`,
      payload: {
        from: old.planVersion,
        fromInterval: old.interval,
        to,
        interval,
        amountMinor: String(row.amountMinor * BigInt(row.quantity)),
        currency: row.currency,
        renewsAt: currentPeriodEndsAt.toISOString(),
      },
    });
  }
}

/** Moved with everyone on its version, it is told so in other words. */
async function isMove(ctx: WritingCtx, old: SubscriptionRow, row: SubscriptionRow): Promise<boolean> {
  if (!old.planVersion || !row.planVersion || old.interval !== row.interval) return false;
  return isPartOfMove(ctx, old.planVersion, row.planVersion);
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
  const now = sql`${ctx.now().toISOString()}::timestamptz`;
  await ctx.tx
    .update(subscriptions)
    .set({ status: "canceled", endedAt: sql`coalesce(${subscriptions.endedAt}, ${now})` })
    .where(listed.length === 0 ? ofTenant : and(ofTenant, notInArray(subscriptions.subscriptionId, listed)));
}

function rowOf(
  ctx: TenantCtx,
  { versions }: StripeState,
  { subscription, old }: { subscription: Stripe.Subscription; old: SubscriptionRow | undefined },
): SubscriptionRow[] {
  // The item that sells a plan decides; add-ons beside it don't.
  const items = subscription.items.data;
  const item = items.find(({ price }) => versions.has(price.id)) ?? items[0];
  if (!item) return [];
  const { price } = item;
  const instant = (unixSeconds: number | null) => (unixSeconds === null ? null : instantOf(unixSeconds));
  const periodEndsAt = instantOf(item.current_period_end);
  const currentPeriodStartsAt = instantOf(item.current_period_start);
  const quantity = item.quantity ?? 1;
  const version = versions.get(price.id);
  const seats = version ? seatsOf(version.definition.plan) : null;
  return [
    {
      tenantId: ctx.tenant.id,
      subscriptionId: subscription.id,
      status: subscription.status,
      planVersion: version?.id ?? null,
      priceId: price.id,
      interval: intervalOf(price),
      quantity,
      paidQuantity: paidQuantity(old, { priceId: price.id, currentPeriodStartsAt, quantity }),
      seatFeature: seats?.feature ?? null,
      seatsAtLeast: seats?.atLeast ?? 1,
      currency: price.currency,
      amountMinor: BigInt(price.unit_amount ?? 0),
      currentPeriodStartsAt,
      currentPeriodEndsAt: periodEndsAt,
      billingAnchorAt: instantOf(subscription.billing_cycle_anchor),
      beginsAt: instantOf(beginOf(subscription)),
      cancelAt: instant(subscription.cancel_at) ?? (subscription.cancel_at_period_end ? periodEndsAt : null),
      canceledAt: instant(subscription.canceled_at),
      endedAt: instant(subscription.ended_at),
      trialEndsAt: instant(subscription.trial_end),
      ...pauseOf(subscription),
      ...comingChange(subscription, versions, ctx.now()),
      discounts: discountsOf(subscription),
      payUrl: payUrlOf(subscription),
      syncedAt: ctx.now(),
    },
  ];
}

/** What was paid for, and when it ends, stand in its metadata, where `billing/pause.ts` wrote them. */
function pauseOf({ status, status_details, metadata }: Stripe.Subscription) {
  if (status !== "paused") return { pausedAt: null, paidUntil: null, resumesAt: null };
  const since = status_details?.paused?.transitioned_at;
  return {
    pausedAt: since ? instantOf(since) : null,
    paidUntil: writtenInstant(metadata.paid_until),
    resumesAt: writtenInstant(metadata.resumes_at),
  };
}

function writtenInstant(text: string | undefined): Date | null {
  const at = new Date(text ?? "");
  return Number.isNaN(at.getTime()) ? null : at;
}

const intervalOf = (price: Stripe.Price): Interval =>
  price.recurring?.interval === "year" ? "year" : "month";

function payUrlOf({ latest_invoice: invoice }: Stripe.Subscription): string | null {
  if (!invoice || typeof invoice === "string" || invoice.status !== "open") return null;
  return invoice.hosted_invoice_url ?? null;
}
