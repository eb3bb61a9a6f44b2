import { and, eq } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { audit } from "../events/service";
import { fulfilOrder } from "./fulfil-order";
import type { CheckoutRow } from "./open-pages";
import { closeOrder, placeOrder } from "./place-order";
import { paymentIdOf, settlementOf } from "./rules";
import { checkouts } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };
type Session = Stripe.Checkout.Session | null;

/** Writes down what became of a page: paid, on its way, or over. What it sold is given once, however often it is told. */
export async function settleCheckout(ctx: WritingCtx, checkoutId: string, session: Session): Promise<void> {
  const ofCheckout = and(eq(checkouts.tenantId, ctx.tenant.id), eq(checkouts.id, checkoutId));
  const [row] = await ctx.tx.select().from(checkouts).where(ofCheckout);
  if (!row || row.completedAt) return;
  const settlement = settlementOf(session, row.orderId !== null);
  if (settlement === "open") return;
  if (settlement === "paid") {
    await ctx.tx.update(checkouts).set({ status: "complete", completedAt: ctx.now() }).where(ofCheckout);
    return paid(ctx, row, session);
  }
  const status = settlement === "pending" ? "complete" : "expired";
  await ctx.tx.update(checkouts).set({ status }).where(ofCheckout);
  if (status === "complete" || !row.orderId) return;
  const failed = session?.status === "complete";
  await closeOrder(ctx, row.orderId, failed ? "failed" : "expired", failed ? "payment failed" : null);
}

async function paid(ctx: WritingCtx, row: CheckoutRow, session: Session): Promise<void> {
  const orderId = row.orderId ?? (await orderOfOldPage(ctx, row, session));
  const { amount_total: totalMinor = null, currency = null, total_details: details } = session ?? {};
  const payment = paymentIdOf(session);
  if (!orderId) {
    const facts = { item: row.item, session: row.sessionId, payment, totalMinor, currency };
    return audit(ctx, { action: "checkout.paid", subject: row.id, details: facts });
  }
  await fulfilOrder(ctx, orderId, {
    paymentId: payment,
    paidAt: ctx.now(),
    totalMinor: BigInt(totalMinor ?? 0),
    taxMinor: BigInt(details?.amount_tax ?? 0),
    currency: currency ?? ctx.prices.currency,
    ...(row.sessionId ? { sessionId: row.sessionId } : {}),
  });
}

/** A pack's page that a former release opened has no order yet: it gets one, and all goes the one way. */
async function orderOfOldPage(ctx: WritingCtx, row: CheckoutRow, session: Session): Promise<string | null> {
  if (row.purpose !== "credits" || row.credits === null) return null;
  const line = {
    kind: "credits" as const,
    name: `${row.credits} credits`,
    credits: row.credits,
    creditsExpireAfterDays: row.creditsExpireAfterDays,
    amountMinor: BigInt(session?.amount_total ?? 0),
    lookupKey: null,
  };
  const currency = session?.currency ?? ctx.prices.currency;
  return (await placeOrder(ctx, { origin: "checkout", currency, lines: [line] })).id;
}
