import { and, eq, gte, isNotNull, sql } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { orders } from "../orders/tables";
import { tenantOfCustomer } from "../stripe/customer";
import { idOf } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { resumeTopUp } from "../top-ups/top-up";
import { syncCustomer } from "./sync";

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
 * @throws AppError PAYMENT_PROVIDER, or BUSY while what the payment is for is not settled yet: to be told again
 */
export async function lookAtPayment(ctx: Ctx, object: NamesPayment): Promise<Ignored> {
  const { tenantCtx, paymentId } = await findPayment(ctx, object);
  if (!tenantCtx || !paymentId) return NOBODYS;
  const asked = (await askForLook(tenantCtx, paymentId)) ?? (await askLate(tenantCtx, paymentId));
  if (asked === null) return { ignored: "The payment of no order." };
  await syncCustomer(tenantCtx);
  // A look takes so many orders at once: whoever is left over comes again.
  if (!(await isSeen(tenantCtx, paymentId, asked)))
    throw new AppError("BUSY", "Other payments of this workspace are looked at first.");
  return undefined;
}

/** The news may have overtaken that of the payment itself, on a page or off session. */
async function askLate(ctx: TenantCtx, paymentId: string): Promise<number | null> {
  await syncCustomer(ctx);
  const topUp = await resumeTopUp(ctx);
  const asked = await askForLook(ctx, paymentId);
  if (asked === null && (topUp === "busy" || topUp === "waiting"))
    throw new AppError("BUSY", "An automatic purchase of this workspace is not settled yet.");
  return asked;
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

/**
 * Marks the order that a payment paid, so that the next sync looks at its refunds and disputes.
 * @returns the number of this wish; null: it paid none
 */
export async function askForLook(ctx: TenantCtx, paymentId: string): Promise<number | null> {
  const [marked] = await inTenant(ctx, (tx) =>
    tx
      .update(orders)
      .set({ moneyBackAsked: sql`${orders.moneyBackAsked} + 1` })
      .where(and(ofPayment(ctx, paymentId), isNotNull(orders.fulfilledAt)))
      .returning({ asked: orders.moneyBackAsked }),
  );
  return marked?.asked ?? null;
}

async function isSeen(ctx: TenantCtx, paymentId: string, asked: number): Promise<boolean> {
  const seen = await inTenant(ctx, (tx) =>
    tx
      .select({ id: orders.id })
      .from(orders)
      .where(and(ofPayment(ctx, paymentId), gte(orders.moneyBackSeen, asked))),
  );
  return seen.length > 0;
}

const ofPayment = (ctx: TenantCtx, paymentId: string) =>
  and(eq(orders.tenantId, ctx.tenant.id), eq(orders.paymentId, paymentId));

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
