import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { ensureCustomer, knownCustomer } from "../stripe/customer";
import { idOf } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { inTurn } from "../stripe/turn";
import { pausedSubscription } from "../subscriptions/pause-rules";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions, type SubscriptionRow } from "../subscriptions/subscription";
import { type PaymentMethodInput, paymentMethodInput } from "./inputs";

export interface PaymentMethodView {
  /** `pm_…` */
  id: string;
  /** `visa`, or for other kinds the kind: `link`. */
  brand: string;
  last4: string | null;
  expiresOn: { month: number; year: number } | null;
  /** Charged for what comes next. */
  isDefault: boolean;
}

/** More than these nobody keeps. */
const MAX_METHODS = 100;

/** What the workspace can be charged by, the default one first. @throws AppError PAYMENT_PROVIDER */
export async function listPaymentMethods(ctx: TenantCtx): Promise<PaymentMethodView[]> {
  const customer = await knownCustomer(ctx);
  if (!customer) return [];
  try {
    const { methods, usual } = await look(ctx, customer);
    const views = methods.map((method) => viewOf(method, method.id === usual));
    return views.sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw asProviderError(error);
  }
}

/**
 * The address of a page where a payment method is added, without buying anything. The first one becomes the default by
 * `settlePaymentMethods`, which the page that it leads back to calls.
 * @throws AppError PAYMENT_PROVIDER, BUSY
 */
export async function addPaymentMethod(ctx: TenantCtx): Promise<{ url: string }> {
  const customer = await ensureCustomer(ctx);
  const billingUrl = `${ctx.appUrl}/${ctx.tenant.slug}/billing`;
  try {
    const { url } = await ctx.stripe.checkout.sessions.create({
      mode: "setup",
      customer,
      currency: ctx.prices.currency,
      success_url: `${billingUrl}?from=card`,
      cancel_url: billingUrl,
      metadata: { tenantId: ctx.tenant.id },
    });
    if (!url) throw new AppError("PAYMENT_PROVIDER", "The payment provider opened no page.");
    return { url };
  } catch (error) {
    throw asProviderError(error);
  }
}

/** Makes the newest payment method the default when there is none. Safe at any time, any number of times. */
export async function settlePaymentMethods(ctx: TenantCtx): Promise<void> {
  const customer = await knownCustomer(ctx);
  if (!customer) return;
  await aloneWithCustomer(ctx, async () => {
    const { methods, usual } = await look(ctx, customer);
    const [newest] = methods;
    if (!usual && newest) await makeDefault(ctx, customer, newest.id);
  });
}

/**
 * Charges this payment method for what comes next: the subscription too.
 * @throws AppError NOT_FOUND, PAYMENT_PROVIDER, BUSY
 */
export async function setDefaultPaymentMethod(
  ctx: TenantCtx,
  input: PaymentMethodInput,
): Promise<PaymentMethodView[]> {
  const { id } = parseInput(paymentMethodInput, input);
  await aloneWithCustomer(ctx, async () => {
    const customer = await ownerOf(ctx, id);
    await tell(ctx, "payment_method.made_default", id);
    await makeDefault(ctx, customer, id);
  });
  return listPaymentMethods(ctx);
}

/**
 * Takes a payment method away for good. The last one of a subscription that renews, or rests, stays: nothing could be charged. Of
 * the default one another takes the place.
 * @throws AppError NOT_FOUND, CONFLICT, PAYMENT_PROVIDER, BUSY
 */
export async function removePaymentMethod(
  ctx: TenantCtx,
  input: PaymentMethodInput,
): Promise<PaymentMethodView[]> {
  const { id } = parseInput(paymentMethodInput, input);
  await aloneWithCustomer(ctx, async () => {
    const customer = await ownerOf(ctx, id);
    const { methods, usual } = await look(ctx, customer);
    const [next] = methods.filter((method) => method.id !== id);
    const charged = await chargedSubscription(ctx);
    if (!next && charged && !charged.cancelAt)
      throw new AppError("CONFLICT", "This is the only payment method of a running subscription.", {
        advice: "Add another one first, or cancel the subscription.",
      });
    await tell(ctx, "payment_method.removed", id);
    if (next && usual === id) await makeDefault(ctx, customer, next.id);
    await ctx.stripe.paymentMethods.detach(id);
  });
  return listPaymentMethods(ctx);
}

async function aloneWithCustomer(ctx: TenantCtx, work: () => Promise<void>): Promise<void> {
  try {
    await inTurn(ctx, work);
  } catch (error) {
    throw asProviderError(error);
  }
}

/** The newest first, and which one is charged: the subscription's own, or else the customer's. */
async function look(
  ctx: TenantCtx,
  id: string,
): Promise<{ methods: Stripe.PaymentMethod[]; usual: string | null }> {
  const [{ data: methods }, customer, live] = await Promise.all([
    ctx.stripe.customers.listPaymentMethods(id, { limit: MAX_METHODS }),
    ctx.stripe.customers.retrieve(id),
    liveSubscription(ctx),
  ]);
  const ofCustomer = customer.deleted ? null : idOf(customer.invoice_settings.default_payment_method);
  const usual = idOf(live?.default_payment_method) ?? ofCustomer;
  return { methods, usual: methods.some((method) => method.id === usual) ? usual : null };
}

async function liveSubscription(ctx: TenantCtx): Promise<Stripe.Subscription | null> {
  const row = await chargedSubscription(ctx);
  return row && ctx.stripe.subscriptions.retrieve(row.subscriptionId);
}

/** What a payment method is needed for next: the subscription that runs, or the one that goes on after its pause. */
async function chargedSubscription(ctx: TenantCtx): Promise<SubscriptionRow | null> {
  const rows = await localSubscriptions(ctx);
  return decidingSubscription(rows) ?? pausedSubscription(rows);
}

/** The subscription's own choice goes before the customer's, so it is told as well. */
async function makeDefault(ctx: TenantCtx, customer: string, id: string): Promise<void> {
  await ctx.stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
  const live = await liveSubscription(ctx);
  if (live) await ctx.stripe.subscriptions.update(live.id, { default_payment_method: id });
}

/** @throws AppError NOT_FOUND unless the payment method is this workspace's */
async function ownerOf(ctx: TenantCtx, id: string): Promise<string> {
  const customer = await knownCustomer(ctx);
  const method = customer ? await retrieved(ctx, id) : null;
  if (!customer || idOf(method?.customer) !== customer)
    throw new AppError("NOT_FOUND", "There is no such payment method.");
  return customer;
}

async function retrieved(ctx: TenantCtx, id: string): Promise<Stripe.PaymentMethod | null> {
  try {
    return await ctx.stripe.paymentMethods.retrieve(id);
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}

function tell(ctx: TenantCtx, action: string, subject: string): Promise<void> {
  return inTenant(ctx, (_tx, inner) => audit(inner, { action, subject }));
}

function viewOf({ id, type, card }: Stripe.PaymentMethod, isDefault: boolean): PaymentMethodView {
  const expiresOn = card ? { month: card.exp_month, year: card.exp_year } : null;
  return { id, brand: card?.brand ?? type, last4: card?.last4 ?? null, expiresOn, isDefault };
}
