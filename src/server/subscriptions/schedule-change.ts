import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { idOf } from "../stripe/rules";
import type { ChangeRequest } from "./quote-plan-change";

/**
 * Puts the change into a schedule of the subscription: what is paid for until its period ends, then the new price for
 * one period, after which the schedule lets go. Asked again after a crash, it goes on where it was.
 */
export async function scheduleChange(
  ctx: TenantCtx,
  changeId: string,
  request: ChangeRequest,
): Promise<void> {
  const schedule = await scheduleOf(ctx, changeId, request.subscription);
  const { start_date, end_date } = currentPhaseOf(schedule);
  // A phase that names none would have none.
  const discounts = await discountsNamed(ctx, request.subscription);
  await ctx.stripe.subscriptionSchedules.update(
    schedule.id,
    {
      end_behavior: "release",
      proration_behavior: "none",
      phases: [
        { items: [request.from], start_date, end_date, proration_behavior: "none", ...discounts },
        {
          items: [request.to],
          duration: { interval: request.interval, interval_count: 1 },
          proration_behavior: "none",
          ...discounts,
        },
      ],
    },
    { idempotencyKey: `plan_change:${changeId}:phases` },
  );
}

/** The subscription's discounts in the words of a phase, which takes them along. */
export async function discountsNamed(
  ctx: TenantCtx,
  id: string,
): Promise<{ discounts?: { discount: string }[] }> {
  const { discounts } = await ctx.stripe.subscriptions.retrieve(id);
  const ids = discounts.flatMap((discount) => idOf(discount) ?? []);
  return ids.length > 0 ? { discounts: ids.map((discount) => ({ discount })) } : {};
}

export function currentPhaseOf(schedule: Stripe.SubscriptionSchedule): Stripe.SubscriptionSchedule.Phase {
  const current = schedule.phases.find(({ start_date }) => start_date === schedule.current_phase?.start_date);
  if (!current) throw new Error(`Schedule ${schedule.id} has no current phase.`);
  return current;
}

async function scheduleOf(
  ctx: TenantCtx,
  changeId: string,
  id: string,
): Promise<Stripe.SubscriptionSchedule> {
  const subscription = await ctx.stripe.subscriptions.retrieve(id, { expand: ["schedule"] });
  if (subscription.schedule && typeof subscription.schedule !== "string") return subscription.schedule;
  return ctx.stripe.subscriptionSchedules.create(
    { from_subscription: id },
    { idempotencyKey: `plan_change:${changeId}:schedule` },
  );
}

/** Lets go of a subscription's schedule: it goes on with what it has now. Once let go, there is nothing more to do. */
export async function releaseSchedule(ctx: TenantCtx, subscription: Stripe.Subscription): Promise<void> {
  const id = idOf(subscription.schedule);
  if (!id) return;
  const { status } = await ctx.stripe.subscriptionSchedules.retrieve(id);
  if (status === "active" || status === "not_started") await ctx.stripe.subscriptionSchedules.release(id);
}

/** The invoice of a change that nobody has paid: voided, it can't be paid any more, and the change is off. */
export async function dropPendingUpdate(ctx: TenantCtx, subscription: Stripe.Subscription): Promise<void> {
  if (!subscription.pending_update || typeof subscription.latest_invoice !== "string") return;
  const { status } = await ctx.stripe.invoices.retrieve(subscription.latest_invoice);
  if (status === "open") await ctx.stripe.invoices.voidInvoice(subscription.latest_invoice);
}
