import { and, eq, isNotNull, sql } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { tenantOfCustomer } from "./customer";
import { idOf } from "./rules";
import { asProviderError, isMissingAtStripe } from "./stripe-client";
import { syncCustomer } from "./sync";
import { orders } from "./tables";
import { resumeTopUp } from "./top-up";

/** What a refund, a dispute, a charge or a fraud warning says about its payment. */
export interface NamesPayment {
  id: string;
  object: string;
  payment_intent?: string | { id: string } | null;
  charge?: string | { id: string } | null;
}

interface Payment {
  paymentId: string;
  customerId: string;
}

type Ignored = { ignored: string } | undefined;

const NOBODYS = { ignored: "No workspace's payment." };

/**
 * An event said that money went back, or may: only the payment it names is believed. The order that it paid is marked,
 * and the sync looks at Stripe what is true.
 * @throws AppError PAYMENT_PROVIDER, BUSY
 */
export async function lookAtPayment(ctx: Ctx, object: NamesPayment): Promise<Ignored> {
  const { tenantCtx, paymentId } = await findPayment(ctx, object);
  if (!tenantCtx || !paymentId) return NOBODYS;
  if (!(await askForLook(tenantCtx, paymentId))) {
    // The news may have overtaken that of the payment itself, on a page or off session.
    await syncCustomer(tenantCtx);
    await resumeTopUp(tenantCtx);
    if (!(await askForLook(tenantCtx, paymentId))) return { ignored: "The payment of no order." };
  }
  await syncCustomer(tenantCtx);
  return undefined;
}

/** A bank's suspicion moves no money: it is written down for people, and nothing else happens. */
export async function noteFraudWarning(ctx: Ctx, object: NamesPayment): Promise<Ignored> {
  const { tenantCtx, paymentId } = await findPayment(ctx, object);
  if (!tenantCtx || !paymentId) return NOBODYS;
  await inTenant(tenantCtx, (_tx, inner) =>
    audit(inner, { action: "payment.fraud_warning", subject: paymentId, details: { warning: object.id } }),
  );
  return undefined;
}

/** Marks the order that a payment paid, so that the next sync looks at its refunds and disputes. false: it paid none. */
export async function askForLook(ctx: TenantCtx, paymentId: string): Promise<boolean> {
  const marked = await inTenant(ctx, (tx) =>
    tx
      .update(orders)
      .set({ moneyBackAsked: sql`${orders.moneyBackAsked} + 1` })
      .where(
        and(
          eq(orders.tenantId, ctx.tenant.id),
          eq(orders.paymentId, paymentId),
          isNotNull(orders.fulfilledAt),
        ),
      )
      .returning({ id: orders.id }),
  );
  return marked.length > 0;
}

async function findPayment(
  ctx: Ctx,
  object: NamesPayment,
): Promise<{ tenantCtx: TenantCtx | null; paymentId: string | null }> {
  const payment = await paymentAtStripe(ctx, object);
  if (!payment) return { tenantCtx: null, paymentId: null };
  return {
    tenantCtx: await tenantOfCustomer(ctx, payment.customerId),
    paymentId: payment.paymentId,
  };
}

/** Refunds and disputes don't say whose they are; their payment does. */
async function paymentAtStripe(ctx: Ctx, object: NamesPayment): Promise<Payment | null> {
  try {
    const charge = object.object === "charge" ? object.id : idOf(object.charge);
    const named = idOf(object.payment_intent);
    const paymentId =
      named ?? (charge ? idOf((await ctx.stripe.charges.retrieve(charge)).payment_intent) : null);
    if (!paymentId) return null;
    const intent: Stripe.PaymentIntent = await ctx.stripe.paymentIntents.retrieve(paymentId);
    const customerId = idOf(intent.customer);
    return customerId ? { paymentId, customerId } : null;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw asProviderError(error);
  }
}
