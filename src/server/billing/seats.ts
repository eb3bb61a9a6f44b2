import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { planVersion } from "../plans/service";
import { asProviderError } from "../stripe/stripe-client";
import { tryTurn, untilAnswered } from "../stripe/turn";
import { decidingSubscription } from "../subscriptions/rules";
import { currentPhaseOf, discountsNamed, releaseSchedule } from "../subscriptions/schedule-change";
import { seatsFor } from "../subscriptions/seat-count";
import { prorationOf, type SeatStep, seatSteps } from "../subscriptions/seat-rules";
import { localSubscriptions, type SubscriptionRow } from "../subscriptions/subscription";
import { syncCustomer } from "../sync/sync";

/**
 * Makes the subscription's quantity follow the seats that are held. It sets a state, so asking twice, late, or after a
 * crash does no harm. A change of plan that waits for its payment comes first.
 * @returns whether Stripe was asked for another quantity
 * @throws AppError PAYMENT_PROVIDER, BUSY
 */
export async function followSeats(ctx: TenantCtx): Promise<boolean> {
  await syncCustomer(ctx);
  const changed = await untilAnswered(() =>
    tryTurn(ctx, async () => ({ steps: await followInTurn(ctx) })).catch((error) => {
      throw asProviderError(error);
    }),
  );
  if (changed.steps > 0) await syncCustomer(ctx);
  return changed.steps > 0;
}

async function followInTurn(ctx: TenantCtx): Promise<number> {
  const row = decidingSubscription(await localSubscriptions(ctx));
  if (!row?.seatFeature || !row.planVersion || row.changeKind === "payment_needed") return 0;
  const wanted = await seatsFor(ctx, await planVersion(ctx, row.planVersion));
  const count = { current: row.quantity, paid: row.paidQuantity, wanted };
  const steps = seatSteps(count, row.status === "trialing");
  if (steps.length === 0) return 0;
  const expand = ["schedule"];
  const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId, { expand });
  const item = subscription.items.data.find(({ price }) => price.id === row.priceId);
  // Our copy is of a moment ago: who changed it since brings news of it, and then this is asked for again.
  if (!item || item.quantity !== row.quantity || subscription.pending_update) return 0;
  await noteSteps(ctx, row, wanted);
  if (row.changeKind === null) await releaseSchedule(ctx, subscription);
  for (const step of steps)
    await (row.changeKind === "scheduled"
      ? setInSchedule(ctx, { row, subscription, step })
      : setQuantity(ctx, { row, item, step }));
  return steps.length;
}

function noteSteps(ctx: TenantCtx, row: SubscriptionRow, wanted: number): Promise<void> {
  const details = { from: row.quantity, to: wanted, paid: row.paidQuantity, feature: row.seatFeature };
  const action = "subscription.seats_requested";
  return inTenant(ctx, (_tx, inner) => audit(inner, { action, subject: row.subscriptionId, details }));
}

interface Setting {
  row: SubscriptionRow;
  step: SeatStep;
}

async function setQuantity(
  ctx: TenantCtx,
  { row, item, step }: Setting & { item: Stripe.SubscriptionItem },
): Promise<void> {
  await ctx.stripe.subscriptions.update(row.subscriptionId, {
    items: [{ id: item.id, quantity: step.quantity }],
    proration_behavior: prorationOf(step, row.interval),
  });
}

/** While a change is scheduled, the schedule says how many seats there are, now and after the change. */
async function setInSchedule(
  ctx: TenantCtx,
  { row, subscription, step }: Setting & { subscription: Stripe.Subscription },
): Promise<void> {
  const { schedule } = subscription;
  if (!schedule || typeof schedule === "string") return;
  const current = currentPhaseOf(schedule);
  const next = schedule.phases.find(({ start_date }) => start_date === current.end_date);
  const price = next?.items[0]?.price;
  if (!next || !price || !row.changePlanVersion) return;
  const quantity = await seatsFor(ctx, await planVersion(ctx, row.changePlanVersion));
  const proration_behavior = prorationOf(step, row.interval);
  const discounts = await discountsNamed(ctx, row.subscriptionId);
  await ctx.stripe.subscriptionSchedules.update(schedule.id, {
    end_behavior: "release",
    proration_behavior,
    phases: [
      {
        items: [{ price: row.priceId, quantity: step.quantity }],
        start_date: current.start_date,
        end_date: current.end_date,
        proration_behavior: "none",
        ...discounts,
      },
      {
        items: [{ price: typeof price === "string" ? price : price.id, quantity }],
        start_date: next.start_date,
        end_date: next.end_date,
        proration_behavior: "none",
        ...discounts,
      },
    ],
  });
}
