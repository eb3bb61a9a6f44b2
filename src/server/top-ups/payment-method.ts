import { and, desc, eq, isNotNull } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { knownCustomer } from "../stripe/customer";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { topUpAttempts } from "./tables";

/** What may be charged while its owner is away, and what people know it by. */
export interface SavedPaymentMethod {
  /** `pm_…` */
  id: string;
  /** `visa`, or for other kinds the kind: `link`. */
  brand: string;
  last4: string | null;
}

/** More cards than this nobody keeps. */
const CARDS_LOOKED_AT = 20;

/**
 * The tenant's card: the customer's default at Stripe, else the one that pays the subscription, else the newest card
 * that was kept for later. One that refused its last automatic payment comes after all others: whoever buys by hand
 * with another card means that one. null without any. Asks Stripe each time, because a card may be changed in the portal.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function paymentMethodFor(ctx: TenantCtx): Promise<SavedPaymentMethod | null> {
  const customerId = await knownCustomer(ctx);
  if (!customerId) return null;
  const refused = await refusedMethods(ctx);
  let lastResort: SavedPaymentMethod | null = null;
  try {
    for await (const method of candidates(ctx, customerId)) {
      const saved = savedOf(method);
      if (!refused.has(saved.id)) return saved;
      lastResort ??= saved;
    }
    return lastResort;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw asProviderError(error);
  }
}

/** In order of preference; Stripe is asked for the next only when the one before won't do. */
async function* candidates(ctx: TenantCtx, customerId: string): AsyncGenerator<Stripe.PaymentMethod> {
  const ofCustomer = await customersDefault(ctx, customerId);
  if (ofCustomer) yield ofCustomer;
  const ofSubscription = await subscriptionsDefault(ctx);
  if (ofSubscription) yield ofSubscription;
  yield* await keptCards(ctx, customerId);
}

/** Cards whose latest automatic payment was refused. */
async function refusedMethods(ctx: TenantCtx): Promise<Set<string | null>> {
  const { tenantId, paymentMethodId, orderId, failedReason } = topUpAttempts;
  const rows = await inTenant(ctx, (tx) =>
    tx
      .selectDistinctOn([paymentMethodId], { paymentMethodId, failedReason })
      .from(topUpAttempts)
      .where(and(eq(tenantId, ctx.tenant.id), isNotNull(paymentMethodId)))
      .orderBy(paymentMethodId, desc(orderId)),
  );
  return new Set(rows.filter((row) => row.failedReason !== null).map((row) => row.paymentMethodId));
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

/** Newest first. Stripe keeps a card with the customer only when its owner agreed to that while paying. */
async function keptCards(ctx: Ctx, customerId: string): Promise<Stripe.PaymentMethod[]> {
  const page = { type: "card", limit: CARDS_LOOKED_AT } as const;
  return (await ctx.stripe.customers.listPaymentMethods(customerId, page)).data;
}

const expanded = (method: string | Stripe.PaymentMethod | null) =>
  typeof method === "string" ? null : method;

function savedOf({ id, type, card }: Stripe.PaymentMethod): SavedPaymentMethod {
  return { id, brand: card?.brand ?? type, last4: card?.last4 ?? null };
}
