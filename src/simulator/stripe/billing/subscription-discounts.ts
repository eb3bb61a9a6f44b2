import type Stripe from "stripe";
import type { World } from "../world";
import { assertRedeemable, choiceOf, type DiscountChoice } from "./coupons";
import { discountsOf, previewDiscount, redeem, removeDiscount } from "./discounts";

interface DiscountParams {
  coupon?: string;
  discount?: string;
  promotion_code?: string;
}

/** The discounts that a request for a new subscription names. @throws StripeApiError 400 */
export function wantedDiscounts(
  world: World,
  wanted: "" | DiscountParams[] | null | undefined,
  redemption: { customer: string; currency: string; subtotal: number | null },
): DiscountChoice[] {
  return (wanted || []).map((params) => {
    const choice = choiceOf(world, params);
    assertRedeemable(world, choice, redemption);
    return choice;
  });
}

/** Puts other discounts in the place of a subscription's; those named by their id stay as they are. */
export function setDiscounts(
  world: World,
  subscription: Stripe.Subscription,
  wanted: "" | DiscountParams[] | null | undefined,
): void {
  if (wanted === undefined) return;
  const { customer, currency } = subscription;
  const kept = new Set((wanted || []).flatMap(({ discount }) => discount ?? []));
  const added = (wanted || []).filter(({ discount }) => !discount);
  const redemption = { customer: customer as string, currency, subtotal: null };
  const choices = wantedDiscounts(world, added, redemption);
  for (const id of [...subscription.discounts] as string[]) {
    if (!kept.has(id)) removeDiscount(world, subscription, id);
  }
  const owner = { customer: customer as string, subscription: subscription.id };
  const redeemed = choices.map((choice) => redeem(world, choice, owner).id);
  subscription.discounts = [...(subscription.discounts as string[]), ...redeemed];
}

/** What an invoice at an instant (unix seconds) would take off; nothing is redeemed. */
export function previewDiscounts(
  world: World,
  subscription: Stripe.Subscription,
  wanted: "" | DiscountParams[] | null | undefined,
  at: number,
): Stripe.Discount[] {
  const running = discountsOf(world, subscription, at);
  if (wanted === undefined) return running;
  const { customer, currency } = subscription;
  return (wanted || []).flatMap((params) => {
    if (params.discount) return running.filter(({ id }) => id === params.discount);
    const choice = choiceOf(world, params);
    assertRedeemable(world, choice, { customer: customer as string, currency, subtotal: null });
    return [previewDiscount(world, choice, customer as string)];
  });
}
