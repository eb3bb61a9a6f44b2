import type Stripe from "stripe";
import type { World } from "../world";
import { newItem, setItemPrice } from "./subscription-items";

type Schedule = Stripe.SubscriptionSchedule;

/** The schedule that manages a subscription, while it does. */
export function scheduleOf(world: World, subscription: Stripe.Subscription): Schedule | undefined {
  return subscription.schedule
    ? world.store.find("subscription_schedule", subscription.schedule as string)
    : undefined;
}

function intervalOf(price: Stripe.Price | undefined): string {
  return `${price?.recurring?.interval_count} ${price?.recurring?.interval}`;
}

/** Gives a subscription the items of a phase. An item whose price stays keeps its id, and so do as many others. */
function takeItems(
  world: World,
  subscription: Stripe.Subscription,
  phase: Stripe.SubscriptionSchedule.Phase,
): void {
  const spare = [...subscription.items.data];
  const take = (price?: string) => {
    const index = price ? spare.findIndex((item) => item.price.id === price) : 0;
    return index < 0 ? undefined : spare.splice(index, 1)[0];
  };
  const period = {
    start: subscription.items.data[0]!.current_period_start,
    end: subscription.items.data[0]!.current_period_end,
  };
  const kept = phase.items.map((wanted) => take(wanted.price as string));
  subscription.items.data = phase.items.map((wanted, index) => {
    const price = world.get("price", wanted.price as string);
    const quantity = wanted.quantity ?? 1;
    const item = kept[index] ?? take() ?? newItem(world, subscription.id, { price, quantity }, period);
    if (item.price.id !== price.id) setItemPrice(world, item, price);
    item.quantity = quantity;
    return item;
  });
}

/**
 * Puts the phase that begins at an instant (unix seconds) into force, if the subscription's schedule has one.
 * @returns whether the interval changed, so that the billing cycle begins anew.
 */
export function enterPhase(
  world: World,
  subscription: Stripe.Subscription,
  at: number,
  phases = scheduleOf(world, subscription)?.phases,
): boolean {
  const phase = phases?.find(({ start_date }) => start_date === at);
  if (!phase) return false;
  const before = intervalOf(subscription.items.data[0]?.price);
  takeItems(world, subscription, phase);
  Object.assign(subscription.metadata, phase.metadata);
  return before !== intervalOf(subscription.items.data[0]?.price);
}

/** Ends the schedule of a subscription that has ended. */
export function endSchedule(world: World, subscription: Stripe.Subscription, isDelinquent: boolean): void {
  const schedule = scheduleOf(world, subscription);
  if (schedule?.status !== "active") return;
  Object.assign(schedule, { status: "canceled", canceled_at: world.now(), current_phase: null });
  world.emit(`subscription_schedule.${isDelinquent ? "aborted" : "canceled"}`, schedule);
}
