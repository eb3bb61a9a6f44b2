import type Stripe from "stripe";
import type { World } from "../world";
import { assertRedeemable, choiceOf, type DiscountChoice } from "./coupons";
import { redeem, reduce, reductionBy, reductionsByLine } from "./discounts";
import { taxMinor } from "./tax";

type Session = Stripe.Checkout.Session;

/** What the session takes off, as coupons and codes. */
export function sessionDiscounts(world: World, { id }: Session): DiscountChoice[] {
  const { discounts = [] } = world.store.hidden("checkout.session", id);
  return discounts.map((params) =>
    choiceOf(world, params.promotion_code ? { promotion_code: params.promotion_code } : params),
  );
}

function isTrial(world: World, { id }: Session): boolean {
  const { subscriptionData, trialEnd } = world.store.hidden("checkout.session", id);
  return subscriptionData?.trial_period_days !== undefined || trialEnd !== undefined;
}

/** A trial costs nothing yet; what is paid once beside it is due today. */
function dueToday(world: World, session: Session): Stripe.LineItem[] {
  const { lineItems = [] } = world.store.hidden("checkout.session", session.id);
  const waits = isTrial(world, session);
  return lineItems.filter((line) => !waits || !line.price?.recurring);
}

/** Reckons the amounts of a session and its lines anew: discounts first, then tax on what is left. */
export function totalUp(world: World, session: Session): void {
  const lines = dueToday(world, session);
  const reductions = sessionDiscounts(world, session).map(({ coupon }) =>
    reductionBy(world, coupon.id, coupon),
  );
  const rows = reduce(
    reductions,
    lines.map(({ amount_subtotal: amount, price }) => ({
      amount,
      product: (price?.product as string) ?? null,
    })),
  );
  const off = reductionsByLine(rows, lines.length);
  for (const [index, line] of lines.entries()) {
    line.amount_discount = off[index]!;
    const net = line.amount_subtotal - line.amount_discount;
    line.amount_tax = session.automatic_tax.enabled ? taxMinor(net) : 0;
    line.amount_total = net + line.amount_tax;
  }
  const sum = (amount: (line: Stripe.LineItem) => number) =>
    lines.reduce((total, line) => total + amount(line), 0);
  session.amount_subtotal = sum((line) => line.amount_subtotal);
  session.amount_total = sum((line) => line.amount_total);
  session.total_details = {
    amount_discount: sum((line) => line.amount_discount),
    amount_shipping: 0,
    amount_tax: sum((line) => line.amount_tax),
  };
  const choices = sessionDiscounts(world, session);
  session.discounts = choices.map(({ coupon, promotionCode }) => ({
    coupon: promotionCode ? null : coupon.id,
    promotion_code: promotionCode?.id ?? null,
  }));
}

/** @throws StripeApiError 400 when the session cannot have the discount. */
export function applyDiscount(world: World, session: Session, choice: DiscountChoice): void {
  assertStillRedeemable(world, session, choice);
  world.store.hidden("checkout.session", session.id).discounts = [
    {
      coupon: choice.coupon.id,
      ...(choice.promotionCode ? { promotion_code: choice.promotionCode.id } : {}),
    },
  ];
  totalUp(world, session);
}

/** @throws StripeApiError 400 when somebody else was faster, or the time is over. */
export function assertStillRedeemable(world: World, session: Session, choice: DiscountChoice): void {
  assertRedeemable(world, choice, {
    customer: session.customer as string | null,
    currency: session.currency ?? "usd",
    subtotal: session.amount_subtotal,
  });
}

/** What the session takes off is redeemed when it is completed. */
export function redeemAll(world: World, session: Session): Stripe.Discount[] {
  const owner = { customer: session.customer as string | null, session: session.id };
  return sessionDiscounts(world, session).map((choice) => redeem(world, choice, owner));
}
