import type Stripe from "stripe";
import { AppError } from "../errors";
import { idOf, instantOf } from "../stripe/rules";

/** What is taken off a subscription's invoices, as we keep it. */
export interface Discount {
  /** `di_…` */
  id: string;
  coupon: string;
  /** `promo_…`; null for what was given without a code. */
  promotionCode: string | null;
  name: string;
  code: string | null;
  /** Hundredths of a per cent: 2000 is 20 %. */
  percentHundredths: number | null;
  /** Minor units of `currency`. */
  offMinor: number | null;
  currency: string | null;
  /** Gone once it has taken something off. */
  once: boolean;
  /** ISO; null: it lasts, or for one invoice. */
  endsAt: string | null;
}

/** @param subscription with `discounts.source.coupon` and `discounts.promotion_code` expanded */
export function discountsOf({ discounts }: Pick<Stripe.Subscription, "discounts">): Discount[] {
  return discounts.flatMap((discount) => {
    if (typeof discount === "string") return [];
    const { coupon } = discount.source;
    if (!coupon || typeof coupon === "string") return [];
    const { promotion_code: promotion } = discount;
    const code = promotion && typeof promotion !== "string" ? promotion.code : null;
    return [
      {
        id: discount.id,
        coupon: coupon.id,
        promotionCode: idOf(promotion),
        name: coupon.name ?? code ?? "Discount",
        code,
        percentHundredths: coupon.percent_off === null ? null : Math.round(coupon.percent_off * 100),
        offMinor: coupon.amount_off,
        currency: coupon.currency,
        once: coupon.duration === "once",
        endsAt: discount.end === null ? null : instantOf(discount.end).toISOString(),
      },
    ];
  });
}

/** What is left of a subscription's discounts once an invoice has used up those for one time; null: all of them. */
export function discountsAfter(
  discounts: readonly Discount[],
  invoice: Pick<Stripe.Invoice, "total_discount_amounts"> | null,
): Discount[] | null {
  const took = (id: string) =>
    (invoice?.total_discount_amounts ?? []).some(
      ({ discount, amount }) => idOf(discount) === id && amount > 0,
    );
  const left = discounts.filter(({ id, once }) => !once || !took(id));
  return left.length === discounts.length ? null : left;
}

/** What a code is to be redeemed for. */
export interface Redeeming {
  customer: string;
  /** Stripe's id of the plan's product. */
  product: string | null;
  /** Of one period, in minor units. */
  amountMinor: bigint;
  currency: string;
  now: Date;
}

/** The code as it stands at Stripe: one that may be redeemed, or else one of that name which says why not. */
export function meantCode(
  codes: readonly Stripe.PromotionCode[],
  { customer }: Pick<Redeeming, "customer">,
): Stripe.PromotionCode {
  const ours = codes.filter((code) => code.customer === null || idOf(code.customer) === customer);
  const code = ours.find(({ active }) => active) ?? ours[0];
  if (!code) throw new AppError("CODE_UNKNOWN", "There is no such code.");
  return code;
}

/**
 * Refuses a code that may not be redeemed for that.
 * @param coupon the code's own, with `applies_to`
 * @throws AppError CODE_EXPIRED, CODE_USED_UP, CODE_NOT_FOR_PLAN, CODE_BELOW_MINIMUM
 */
export function refuseCode(code: Stripe.PromotionCode, coupon: Stripe.Coupon, wanted: Redeeming): void {
  const isOver = (at: number | null) => at !== null && instantOf(at) <= wanted.now;
  const isUsedUp = (one: { max_redemptions: number | null; times_redeemed: number }) =>
    one.max_redemptions !== null && one.times_redeemed >= one.max_redemptions;
  if (isOver(code.expires_at) || isOver(coupon.redeem_by))
    throw new AppError("CODE_EXPIRED", "This code has expired.");
  if (isUsedUp(code) || isUsedUp(coupon)) throw new AppError("CODE_USED_UP", "This code is used up.");
  if (!code.active || !coupon.valid) throw new AppError("CODE_EXPIRED", "This code is no longer valid.");
  const products = coupon.applies_to?.products;
  const isForProduct = !products || (wanted.product !== null && products.includes(wanted.product));
  if (!isForProduct || (coupon.currency !== null && coupon.currency !== wanted.currency))
    throw new AppError("CODE_NOT_FOR_PLAN", "This code is not for your plan.");
  const { minimum_amount: minimum, minimum_amount_currency: currency } = code.restrictions;
  if (minimum !== null && (currency !== wanted.currency || wanted.amountMinor < BigInt(minimum)))
    throw new AppError("CODE_BELOW_MINIMUM", "This code is for larger plans.", {
      hint: `It wants ${minimum} minor units of ${currency ?? "money"} for a period.`,
    });
}
