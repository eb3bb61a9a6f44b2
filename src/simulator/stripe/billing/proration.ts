import type Stripe from "stripe";
import type { World } from "../world";
import { netPrices } from "./discounts";
import type { LineDraft } from "./invoice-draft";
import { prorateMinor } from "./money";

function dayOf(unix: number): string {
  const options = { day: "2-digit", month: "short", year: "numeric", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(unix * 1000));
}

interface Debit {
  /** Minor units. */
  amount: number;
  start: number;
  end: number;
}

/** The part of a debit that falls on the time from an instant on. */
function restOf({ amount, start, end }: Debit, date: number): number {
  return prorateMinor(amount, end - Math.min(Math.max(date, start), end), end - start);
}

function prorationLine(
  world: World,
  item: Stripe.SubscriptionItem,
  kind: "Unused" | "Remaining",
  debit: Debit,
  date: number,
): LineDraft {
  const { current_period_start: start, current_period_end: end } = item;
  const quantity = item.quantity ?? 1;
  const from = Math.min(Math.max(date, start), end);
  const amount = restOf(debit, date);
  const product = world.store.find("product", item.price.product as string)?.name ?? "Product";
  const name = quantity === 1 ? product : `${quantity} × ${product}`;
  return {
    amount: kind === "Unused" && amount !== 0 ? -amount : amount,
    description: `${kind} time on ${name} after ${dayOf(from)}`,
    price: item.price,
    quantity,
    period: { start: from, end },
    proration: true,
    ...(kind === "Remaining" ? { debits: true } : {}),
    subscription: item.subscription,
    subscriptionItem: item.id,
  };
}

function isSame(a: Stripe.SubscriptionItem, b: Stripe.SubscriptionItem): boolean {
  return a.price.id === b.price.id && a.quantity === b.quantity;
}

/**
 * Credits for what was debited and will not be used, and charges for what replaces it, discounts included, to
 * the second, each line rounded on its own ({@link prorateMinor}). Items that did not change cost nothing.
 */
export function prorationLines(
  world: World,
  subscription: Stripe.Subscription,
  before: Stripe.SubscriptionItem[],
  after: Stripe.SubscriptionItem[],
  date: number,
): LineDraft[] {
  const { debited = {} } = world.store.hidden("subscription", subscription.id);
  const [oldPrices, newPrices] = [
    netPrices(world, subscription, before),
    netPrices(world, subscription, after),
  ];
  const whole = (item: Stripe.SubscriptionItem, amount: number): Debit => ({
    amount,
    start: item.current_period_start,
    end: item.current_period_end,
  });
  const creditOf = (item: Stripe.SubscriptionItem) =>
    debited[item.id] ?? whole(item, oldPrices[before.indexOf(item)]!);
  const chargeOf = (item: Stripe.SubscriptionItem) => whole(item, newPrices[after.indexOf(item)]!);
  const stays = (item: Stripe.SubscriptionItem, others: Stripe.SubscriptionItem[]) =>
    others.some((other) => other.id === item.id && isSame(item, other));
  const credits = before.filter((item) => !stays(item, after));
  const charges = after.filter((item) => !stays(item, before));
  return [
    ...credits.map((item) => prorationLine(world, item, "Unused", creditOf(item), date)),
    ...charges.map((item) => prorationLine(world, item, "Remaining", chargeOf(item), date)),
  ];
}
