import { and, eq, inArray } from "drizzle-orm";
import type Stripe from "stripe";
import { newId } from "@/lib/ids";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { planVersion } from "../plans/service";
import { priceIdOfVersion } from "../stripe/prices";
import { asProviderError } from "../stripe/stripe-client";
import { tryTurn } from "../stripe/turn";
import { PREVIEW_MINUTES } from "../subscriptions/plan-change-rules";
import { scheduledPrice } from "../subscriptions/plan-change-state";
import { comesByMove } from "../subscriptions/plan-move-parts";
import { planMoveTenants } from "../subscriptions/plan-move-tables";
import { decidingSubscription } from "../subscriptions/rules";
import { releaseSchedule, scheduleChange } from "../subscriptions/schedule-change";
import { localSubscriptions, type SubscriptionRow } from "../subscriptions/subscription";
import type { MoveWork } from "./follow-plan-moves";

/**
 * Puts a version's price into a schedule for the next renewal, or takes it out again: alone with the customer, and only
 * while Stripe has the subscription as we know it. Both set a state, so that asking twice, or after a crash, does no harm.
 * Who is busy with the customer goes first: the next look is cron's.
 * @throws AppError PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function carryOutMove(
  ctx: TenantCtx,
  { act, version }: Omit<MoveWork, "moveId">,
): Promise<void> {
  await tryTurn(ctx, async () => {
    const row = decidingSubscription(await localSubscriptions(ctx));
    if (!row) return;
    const sold = await planVersion(ctx, version);
    const price = await priceIdOfVersion(ctx, sold, row.interval);
    try {
      const expand = ["schedule"];
      const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId, { expand });
      const coming = scheduledPrice(subscription, ctx.now());
      if (act === "schedule" && coming === null) await schedule(ctx, subscription, { row, price });
      if (act === "release" && coming === price) await releaseSchedule(ctx, subscription);
    } catch (error) {
      throw asProviderError(error);
    }
  });
}

const HOUR_MS = 3_600_000;

/**
 * Takes a move's price out of the subscription while its people look at a change of their own, which Stripe would else
 * count from the wrong price. Not in the last hour before the renewal: that one is settled.
 * @returns whether something was taken out, so that a sync is due
 * @throws AppError PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function standAside(ctx: TenantCtx): Promise<boolean> {
  const row = decidingSubscription(await localSubscriptions(ctx));
  const now = ctx.now().getTime();
  if (!row?.changePlanVersion || !(await comesByMove(ctx, row))) return false;
  if (row.currentPeriodEndsAt.getTime() - now < HOUR_MS) return false;
  await inTenant(ctx, (tx) =>
    tx
      .update(planMoveTenants)
      .set({ asideUntil: new Date(now + (PREVIEW_MINUTES + 1) * 60_000) })
      .where(
        and(
          eq(planMoveTenants.tenantId, ctx.tenant.id),
          inArray(planMoveTenants.status, ["told", "scheduled", "returning"]),
        ),
      ),
  );
  await carryOutMove(ctx, { act: "release", version: row.changePlanVersion });
  return true;
}

async function schedule(
  ctx: TenantCtx,
  subscription: Stripe.Subscription,
  { row, price }: { row: SubscriptionRow; price: string },
): Promise<void> {
  const item = subscription.items.data.find((one) => one.price.id === row.priceId);
  const isEnding = subscription.cancel_at_period_end || subscription.cancel_at !== null;
  // Something has changed since the last sync: what follows from it is seen by the next.
  if (!item || subscription.pending_update || isEnding || subscription.status !== "active") return;
  const quantity = item.quantity ?? 1;
  // Of one subscription there is one schedule: a key of its own for each try makes no second one.
  await scheduleChange(ctx, newId("planMove", ctx.now()), {
    subscription: subscription.id,
    timing: "period_end",
    item: item.id,
    from: { price: item.price.id, quantity },
    to: { price, quantity },
    interval: row.interval,
    prorationDate: null,
    charges: false,
    endsTrial: false,
  });
}
