import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { knownCustomer } from "./customer";
import { decidingSubscription } from "./rules";
import { asProviderError, isMissingAtStripe } from "./stripe-client";
import { localSubscriptions } from "./subscription";

/** What may be charged while its owner is away, and what people know it by. */
export interface SavedPaymentMethod {
  /** `pm_…` */
  id: string;
  /** `visa`, or for other kinds the kind: `link`. */
  brand: string;
  last4: string | null;
}

/**
 * The tenant's card: the customer's default at Stripe, else the one that pays the subscription, else the newest card
 * that was kept for later. null without one. Asks Stripe each time, because a card may be changed in the portal.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function paymentMethodFor(ctx: TenantCtx): Promise<SavedPaymentMethod | null> {
  const customerId = await knownCustomer(ctx);
  if (!customerId) return null;
  try {
    const method =
      (await customersDefault(ctx, customerId)) ??
      (await subscriptionsDefault(ctx)) ??
      (await newestCard(ctx, customerId));
    return method && savedOf(method);
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw asProviderError(error);
  }
}

async function customersDefault(ctx: Ctx, customerId: string): Promise<Stripe.PaymentMethod | null> {
  const expand = ["invoice_settings.default_payment_method"];
  const customer = await ctx.stripe.customers.retrieve(customerId, { expand });
  return customer.deleted ? null : expanded(customer.invoice_settings.default_payment_method);
}

async function subscriptionsDefault(ctx: TenantCtx): Promise<Stripe.PaymentMethod | null> {
  const deciding = decidingSubscription(await localSubscriptions(ctx));
  if (!deciding) return null;
  const expand = ["default_payment_method"];
  const subscription = await ctx.stripe.subscriptions.retrieve(deciding.subscriptionId, { expand });
  return expanded(subscription.default_payment_method);
}

/** Stripe keeps a card with the customer only when its owner agreed to that while paying. */
async function newestCard(ctx: Ctx, customerId: string): Promise<Stripe.PaymentMethod | null> {
  const cards = await ctx.stripe.customers.listPaymentMethods(customerId, { type: "card", limit: 1 });
  return cards.data[0] ?? null;
}

const expanded = (method: string | Stripe.PaymentMethod | null) =>
  typeof method === "string" ? null : method;

function savedOf({ id, type, card }: Stripe.PaymentMethod): SavedPaymentMethod {
  return { id, brand: card?.brand ?? type, last4: card?.last4 ?? null };
}
