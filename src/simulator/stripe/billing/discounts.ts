import type Stripe from "stripe";
import type { World } from "../world";
import { type DiscountChoice, isCouponValid } from "./coupons";
import { prorateMinor } from "./money";
import { monthsLater } from "./periods";

/** What a discount takes off: only this much of it is needed to reckon. */
export interface Reduction {
  discount: string;
  coupon: Stripe.Coupon;
  /** The products that it is for; left out: all. */
  products?: readonly string[];
}

/** What something costs (minor units), and the product that it buys; null for a bare amount. */
export interface Priced {
  amount: number;
  product: string | null;
}

interface Owner {
  customer: string | null;
  subscription?: string;
  invoice?: string;
  session?: string;
}

function fieldsOf(
  world: World,
  { coupon, promotionCode }: DiscountChoice,
  owner: Owner,
): Partial<Stripe.Discount> {
  const months = coupon.duration === "repeating" ? coupon.duration_in_months : null;
  return {
    checkout_session: owner.session ?? null,
    customer: owner.customer,
    subscription: owner.subscription ?? null,
    invoice: owner.invoice ?? null,
    promotion_code: promotionCode?.id ?? null,
    source: { type: "coupon", coupon: coupon.id },
    start: world.now(),
    end: months === null ? null : monthsLater(world.now(), months),
  };
}

/** A discount that is only looked at, in a preview. */
export function previewDiscount(world: World, choice: DiscountChoice, customer: string): Stripe.Discount {
  const id = world.ids.next("di", 24);
  return world.build<Stripe.Discount>("Discounts:Discount", { id, ...fieldsOf(world, choice, { customer }) });
}

/** Redeems a coupon, through its code if there was one. */
export function redeem(world: World, choice: DiscountChoice, owner: Owner): Stripe.Discount {
  const { coupon, promotionCode } = choice;
  coupon.times_redeemed += 1;
  coupon.valid = isCouponValid(world, coupon);
  if (promotionCode) promotionCode.times_redeemed += 1;
  const discount = world.create("discount", fieldsOf(world, choice, owner));
  if (owner.customer) world.emit("customer.discount.created", discount);
  return discount;
}

export function reductionOf(world: World, discount: Stripe.Discount): Reduction {
  return reductionBy(world, discount.id, world.get("coupon", discount.source.coupon as string));
}

export function reductionBy(world: World, discount: string, coupon: Stripe.Coupon): Reduction {
  const { products } = world.store.hidden("coupon", coupon.id);
  return { discount, coupon, ...(products ? { products } : {}) };
}

/** The discounts of a subscription that still run at an instant (unix seconds). */
export function discountsOf(
  world: World,
  subscription: Stripe.Subscription,
  at = world.now(),
): Stripe.Discount[] {
  return subscription.discounts
    .flatMap((id) => world.store.find("discount", id as string) ?? [])
    .filter(({ end }) => end === null || end > at);
}

/** Takes a discount off a subscription. The object stays, for the invoices that name it. */
export function removeDiscount(world: World, subscription: Stripe.Subscription, id: string): void {
  subscription.discounts = subscription.discounts.filter((each) => each !== id) as string[];
  world.emit("customer.discount.deleted", world.get("discount", id));
}

/** Takes away what has run out by now. */
export function dropEnded(world: World, subscription: Stripe.Subscription): void {
  const running = new Set(discountsOf(world, subscription).map(({ id }) => id));
  for (const id of [...subscription.discounts] as string[]) {
    if (!running.has(id)) removeDiscount(world, subscription, id);
  }
}

/** What is taken off once is gone when it has taken something off. */
export function dropUsed(world: World, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  for (const { discount, amount } of invoice.total_discount_amounts ?? []) {
    const isOwn = subscription.discounts.includes(discount as string);
    const isOnce =
      isOwn && reductionOf(world, world.get("discount", discount as string)).coupon.duration === "once";
    if (isOnce && amount > 0) removeDiscount(world, subscription, discount as string);
  }
}

function share(coupon: Stripe.Coupon, amounts: readonly number[]): number[] {
  if (coupon.percent_off !== null) {
    const hundredths = Math.round(coupon.percent_off * 100);
    return amounts.map((amount) => prorateMinor(amount, hundredths, 10_000));
  }
  const sum = amounts.reduce((total, amount) => total + amount, 0);
  if (sum === 0) return amounts.map(() => 0);
  const off = Math.min(coupon.amount_off ?? 0, sum);
  // Each line's part is the difference of rounded running sums, so that together they are exactly `off`.
  let before = 0;
  return amounts.map((amount) => {
    const part = prorateMinor(off, before + amount, sum) - prorateMinor(off, before, sum);
    before += amount;
    return part;
  });
}

/**
 * What each discount takes off each amount (minor units), one discount after the other. Amounts of zero or less
 * are left alone.
 * @returns a row of parts for each discount.
 */
export function reduce(reductions: readonly Reduction[], priced: readonly Priced[]): number[][] {
  const left = priced.map(({ amount }) => Math.max(0, amount));
  return reductions.map(({ coupon, products }) => {
    const isFor = ({ product }: Priced) => !products || (product !== null && products.includes(product));
    const parts = share(
      coupon,
      left.map((amount, index) => (isFor(priced[index]!) ? amount : 0)),
    );
    for (const [index, part] of parts.entries()) left[index]! -= part;
    return parts;
  });
}

/** The columns of {@link reduce} summed up: what is taken off each amount. */
export function reductionsByLine(rows: readonly number[][], count: number): number[] {
  return Array.from({ length: count }, (_, line) => rows.reduce((sum, row) => sum + (row[line] ?? 0), 0));
}

/** What items cost for a whole period after the discounts that last (minor units). */
export function netPrices(
  world: World,
  subscription: Stripe.Subscription,
  items: readonly Stripe.SubscriptionItem[],
): number[] {
  const lasting = discountsOf(world, subscription)
    .map((discount) => reductionOf(world, discount))
    .filter(({ coupon }) => coupon.duration !== "once");
  const full = items.map(({ price, quantity }) => ({
    amount: (price.unit_amount ?? 0) * (quantity ?? 1),
    product: price.product as string,
  }));
  const off = reductionsByLine(reduce(lasting, full), full.length);
  return full.map(({ amount }, index) => amount - off[index]!);
}
