import type Stripe from "stripe";
import type { CardBehaviour } from "../kinds";
import type { World } from "../world";

interface TestCard {
  last4: string;
  brand: string;
  behaviour: CardBehaviour;
}

/** The cards offered on the hosted pages, by the value of their form control. */
export const PAGE_CARDS = {
  success: { last4: "4242", brand: "visa", behaviour: "succeeds" },
  declined: { last4: "0002", brand: "visa", behaviour: "declines" },
  three_d_secure: { last4: "3155", brand: "visa", behaviour: "authenticates_once" },
  declined_later: { last4: "0341", brand: "visa", behaviour: "declines_later" },
} as const satisfies Record<string, TestCard>;

export type PageCard = keyof typeof PAGE_CARDS;

const VISA: TestCard = PAGE_CARDS.success;
const MASTERCARD: TestCard = { last4: "4444", brand: "mastercard", behaviour: "succeeds" };

// Stripe's test tokens: https://docs.stripe.com/testing
const TOKENS: Record<string, TestCard> = {
  pm_card_visa: VISA,
  tok_visa: VISA,
  pm_card_mastercard: MASTERCARD,
  tok_mastercard: MASTERCARD,
  pm_card_chargeCustomerFail: PAGE_CARDS.declined_later,
  tok_chargeCustomerFail: PAGE_CARDS.declined_later,
  pm_card_threeDSecure2Required: { last4: "3220", brand: "visa", behaviour: "authenticates_once" },
  pm_card_authenticationRequired: { last4: "3184", brand: "visa", behaviour: "authenticates_always" },
};

export function isPageCard(value: string): value is PageCard {
  return value in PAGE_CARDS;
}

export function testCardOf(token: string): TestCard | undefined {
  return TOKENS[token];
}

/** The `card` hash of a payment method. */
function cardHash(world: World, { last4, brand }: TestCard): Stripe.PaymentMethod.Card {
  return world.build<Stripe.PaymentMethod.Card>("PaymentMethods:PaymentMethod.Card", {
    brand,
    last4,
    country: "US",
    display_brand: brand,
    exp_month: 12,
    exp_year: 2099,
    fingerprint: `sim${brand}${last4}`,
    funding: "credit",
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
    networks: { available: [brand], preferred: null },
    three_d_secure_usage: { supported: true },
  });
}

/** A stored card that is not attached to a customer yet. */
export function createCard(world: World, card: TestCard, email: string | null): Stripe.PaymentMethod {
  const method = world.create("payment_method", {
    type: "card",
    allow_redisplay: "unspecified",
    card: cardHash(world, card),
  });
  method.billing_details.email = email;
  world.store.hidden("payment_method", method.id).behaviour = card.behaviour;
  return method;
}

export function attachCard(
  world: World,
  method: Stripe.PaymentMethod,
  customer: string,
): Stripe.PaymentMethod {
  method.customer = customer;
  world.emit("payment_method.attached", method);
  return method;
}

/** Takes a card from its customer; it can never be attached again. */
export function detachCard(world: World, method: Stripe.PaymentMethod): Stripe.PaymentMethod {
  const customer = world.get("customer", method.customer as string);
  method.customer = null;
  world.emit("payment_method.detached", method, { customer: customer.id });
  if (customer.invoice_settings.default_payment_method === method.id) {
    world.change(customer, "customer.updated", () => {
      customer.invoice_settings.default_payment_method = null;
    });
  }
  return method;
}

/** Makes a card expire at an instant (unix seconds): from then on it is declined. */
export function expireCard(world: World, id: string, at: number): Stripe.PaymentMethod {
  world.store.hidden("payment_method", id).expiresAt = at;
  const lastDay = new Date((at - 1) * 1000);
  return world.change(world.get("payment_method", id), "payment_method.updated", ({ card }) => {
    if (card)
      Object.assign(card, { exp_month: lastDay.getUTCMonth() + 1, exp_year: lastDay.getUTCFullYear() });
  });
}

/** The method a subscription or customer would be charged with. */
export function defaultMethodOf(
  world: World,
  customer: string,
  subscription: Stripe.Subscription | undefined,
): string | null {
  const own = subscription?.default_payment_method as string | null | undefined;
  if (own && world.store.find("payment_method", own)?.customer === customer) return own;
  const shared = world.store.find("customer", customer)?.invoice_settings.default_payment_method as
    | string
    | null;
  return shared && world.store.find("payment_method", shared)?.customer === customer ? shared : null;
}
