import type Stripe from "stripe";
import { invalidRequest } from "../errors";
import type { World } from "../world";

/** What a request, or a person on the hosted page, wants taken off. */
export interface DiscountChoice {
  coupon: Stripe.Coupon;
  promotionCode: Stripe.PromotionCode | null;
}

/** Who wants it, and what for. */
export interface Redemption {
  /** Null for a guest. */
  customer: string | null;
  currency: string;
  /** Minor units before discounts; null where no amount is known yet. */
  subtotal: number | null;
}

/** Whether a coupon may still be redeemed by anybody. */
export function isCouponValid(world: World, coupon: Stripe.Coupon): boolean {
  const isOver = coupon.redeem_by !== null && coupon.redeem_by <= world.now();
  return !isOver && (coupon.max_redemptions === null || coupon.times_redeemed < coupon.max_redemptions);
}

function hasPaidBefore(world: World, customer: string): boolean {
  const isPaid = (charge: Stripe.Charge) => charge.customer === customer && charge.status === "succeeded";
  return world.store.all("charge").some(isPaid);
}

function whyNotCode(world: World, code: Stripe.PromotionCode, wanted: Redemption): string | null {
  const { first_time_transaction: isFirst, minimum_amount: minimum } = code.restrictions;
  const isUsedUp = code.max_redemptions !== null && code.times_redeemed >= code.max_redemptions;
  if (!code.active || isUsedUp || (code.expires_at !== null && code.expires_at <= world.now()))
    return "This promotion code is no longer valid.";
  if (code.customer !== null && code.customer !== wanted.customer)
    return "This promotion code is for another customer.";
  if (isFirst && wanted.customer && hasPaidBefore(world, wanted.customer))
    return "This promotion code cannot be redeemed because the associated customer has prior transactions.";
  if (minimum === null || wanted.subtotal === null) return null;
  const isEnough =
    wanted.subtotal >= minimum && code.restrictions.minimum_amount_currency === wanted.currency;
  return isEnough ? null : "This promotion code cannot be redeemed because it needs a larger amount.";
}

/** @throws StripeApiError 400 when the coupon or its code cannot be redeemed for this. */
export function assertRedeemable(
  world: World,
  { coupon, promotionCode }: DiscountChoice,
  wanted: Redemption,
  param = "discounts",
): void {
  const problem = promotionCode ? whyNotCode(world, promotionCode, wanted) : null;
  if (problem) throw invalidRequest(problem, param, "promotion_code_invalid");
  if (!isCouponValid(world, coupon)) {
    throw invalidRequest(`Coupon ${coupon.id} is used up or has expired.`, param, "coupon_expired");
  }
  if (coupon.currency !== null && coupon.currency !== wanted.currency) {
    throw invalidRequest(`The coupon's currency is ${coupon.currency}, not ${wanted.currency}.`, param);
  }
}

interface DiscountParams {
  coupon?: string;
  promotion_code?: string;
}

/** The coupon that parameters mean, by itself or through a promotion code. */
export function choiceOf(world: World, params: DiscountParams): DiscountChoice {
  if (params.promotion_code) {
    const promotionCode = world.get("promotion_code", params.promotion_code, "discounts[0][promotion_code]");
    return { promotionCode, coupon: world.get("coupon", promotionCode.promotion.coupon as string, "coupon") };
  }
  if (!params.coupon) throw invalidRequest("Give a coupon or a promotion code.", "discounts");
  return { promotionCode: null, coupon: world.get("coupon", params.coupon, "discounts[0][coupon]") };
}

/** The code as a person types it; null when there is none, or none that is active. */
export function findCode(world: World, code: string): Stripe.PromotionCode | undefined {
  const isMeant = (each: Stripe.PromotionCode) =>
    each.active && each.code.toLowerCase() === code.trim().toLowerCase();
  return world.store.all("promotion_code").find(isMeant);
}
