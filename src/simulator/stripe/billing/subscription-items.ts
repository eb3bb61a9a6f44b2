import type Stripe from "stripe";
import { invalidRequest, notSimulated } from "../errors";
import type { World } from "../world";
import type { LineDraft } from "./invoice-draft";
import { decimalOf, formatMinor } from "./money";

export interface NewItem {
  price: Stripe.Price;
  quantity: number;
  metadata?: Record<string, string>;
}

function planOf(world: World, price: Stripe.Price): Stripe.Plan {
  return world.build<Stripe.Plan>("Plans:Plan", {
    id: price.id,
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: decimalOf(price.unit_amount ?? 0),
    created: price.created,
    currency: price.currency,
    interval: price.recurring!.interval,
    interval_count: price.recurring!.interval_count,
    metadata: { ...price.metadata },
    nickname: price.nickname,
    product: price.product,
  });
}

/** Puts a price on a subscription item, together with the plan Stripe still shows beside it. */
export function setItemPrice(world: World, item: Stripe.SubscriptionItem, price: Stripe.Price): void {
  item.price = structuredClone(price);
  item.plan = planOf(world, price);
}

export function newItem(
  world: World,
  subscription: string,
  { price, quantity, metadata = {} }: NewItem,
  period: { start: number; end: number },
): Stripe.SubscriptionItem {
  const item = world.build<Stripe.SubscriptionItem>("SubscriptionItems:SubscriptionItem", {
    id: world.ids.next("si", 14),
    created: world.now(),
    current_period_start: period.start,
    current_period_end: period.end,
    metadata,
    quantity,
    subscription,
    tax_rates: [],
  });
  setItemPrice(world, item, price);
  return item;
}

/** @throws StripeApiError 400 for one-time prices; 501 for prices that renew at different times. */
export function assertRecurring(prices: Stripe.Price[]): Stripe.Price.Recurring {
  const [first] = prices;
  if (!first) throw invalidRequest("You must pass at least one item.", "items");
  for (const { id, recurring, currency } of prices) {
    if (!recurring) {
      throw invalidRequest(
        `The price specified is set to \`type=one_time\` (${id}); it must be recurring.`,
        "items",
      );
    }
    if (currency !== first.currency) throw invalidRequest("All prices must have the same currency.", "items");
    const isSame =
      recurring.interval === first.recurring?.interval &&
      recurring.interval_count === first.recurring.interval_count;
    if (!isSame) throw notSimulated("subscriptions whose items have different intervals");
  }
  return first.recurring!;
}

/** The line that bills one item for a whole period. */
export function periodLine(item: Stripe.SubscriptionItem, product: string, isTrial = false): LineDraft {
  const { unit_amount, currency, recurring } = item.price;
  const quantity = item.quantity ?? 1;
  const each = `${formatMinor(unit_amount ?? 0, currency)} / ${recurring?.interval}`;
  return {
    amount: isTrial ? 0 : (unit_amount ?? 0) * quantity,
    description: isTrial ? `Trial period for ${product}` : `${quantity} × ${product} (at ${each})`,
    price: item.price,
    quantity,
    period: { start: item.current_period_start, end: item.current_period_end },
    proration: false,
    subscription: item.subscription,
    subscriptionItem: item.id,
  };
}

/** The line that bills something once, beside a subscription. */
export function oneTimeLine(world: World, subscription: string, { price, quantity }: NewItem): LineDraft {
  return {
    amount: (price.unit_amount ?? 0) * quantity,
    description: productName(world, price),
    price,
    quantity,
    period: { start: world.now(), end: world.now() },
    proration: false,
    subscription,
    subscriptionItem: null,
  };
}

export function productName(world: World, price: Stripe.Price): string {
  return world.store.find("product", price.product as string)?.name ?? "Product";
}
