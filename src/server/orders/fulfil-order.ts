import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { followDebt } from "../credits/follow-debt";
import { grantCredits } from "../credits/grant-credits";
import type { Tx } from "../db/client";
import { lockPlan } from "../entitlements/follow-plan";
import { AppError } from "../errors";
import type { Facts } from "../events/facts";
import { audit, tell } from "../events/service";
import { compensate } from "./compensate";
import { linesOf, type Order, type OrderLine } from "./place-order";
import { followPrepaid } from "./prepaid";
import { orders } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };

/** What the provider says about the payment of an order. */
export interface Payment {
  /** Stripe's payment intent (pi_…); null when nothing was to be paid. */
  paymentId: string | null;
  paidAt: Date;
  /** Really paid, in minor units: tax included, discounts taken off. */
  totalMinor: bigint;
  /** Of the total. */
  taxMinor?: bigint;
  currency: string;
  /** The hosted page, if it was paid on one. */
  sessionId?: string;
}

const DAY_MS = 86_400_000;

/**
 * Gives what an order sold, now that it is paid: once, however often and by however many it is told. What was written
 * down when the order was placed decides, never an amount that was paid.
 * @returns false when it was fulfilled before
 * @throws AppError NOT_FOUND
 */
export async function fulfilOrder(ctx: WritingCtx, orderId: string, payment: Payment): Promise<boolean> {
  // The plan before the order, as everything else locks it.
  await lockPlan(ctx);
  const ofOrder = and(eq(orders.tenantId, ctx.tenant.id), eq(orders.id, orderId));
  const [order] = await ctx.tx.select().from(orders).where(ofOrder).for("no key update");
  if (!order) throw new AppError("NOT_FOUND", "There is no such order.");
  if (order.fulfilledAt) return false;
  const { paymentId, paidAt, totalMinor, taxMinor = 0n, currency } = payment;
  const fulfilledAt = ctx.now();
  const paid = { paymentId, paidAt, totalMinor, taxMinor, currency, failedReason: null };
  await ctx.tx
    .update(orders)
    .set({ status: "fulfilled", fulfilledAt, ...paid })
    .where(ofOrder);
  const lines = await linesOf(ctx, orderId);
  let repaid = 0;
  for (const line of lines) repaid += await grantLine(ctx, line, fulfilledAt);
  const sellsDays = lines.some((line) => line.days !== null);
  if (sellsDays) await compensate(ctx);
  // Told late, an order may also lessen what a later one was given for days left.
  if (sellsDays || repaid > 0) await followDebt(ctx);
  if (sellsDays) await followPrepaid(ctx);
  await audit(ctx, {
    action: "order.fulfilled",
    subject: orderId,
    details: factsOf(ctx, order, lines, payment),
  });
  const receipt = receiptOf(order, lines, payment);
  await tell(ctx, { type: "order.fulfilled", fact: `order.fulfilled:${orderId}`, payload: receipt });
  return true;
}

/** The lot that an order's line of credits makes. */
export const lineSource = (orderId: string, line: number) => `order:${orderId}:${line}`;

/** @returns how many of the units paid at once what the tenant owed */
async function grantLine(ctx: WritingCtx, line: OrderLine, at: Date): Promise<number> {
  if (line.credits === null) return 0;
  const { credits: amount, creditsExpireAfterDays: days, orderId } = line;
  const expiresAt = days === null ? null : new Date(at.getTime() + days * DAY_MS);
  const source = lineSource(orderId, line.line);
  return (await grantCredits(ctx, { amount, kind: "purchase", source, expiresAt })).repaid;
}

function receiptOf(
  order: Order,
  lines: readonly OrderLine[],
  { totalMinor, taxMinor = 0n, currency }: Payment,
): Facts["order.fulfilled"] {
  return {
    orderId: order.id,
    totalMinor: String(totalMinor),
    taxMinor: String(taxMinor),
    currency,
    lines: lines.map(({ name, amountMinor }) => ({ name, amountMinor: String(amountMinor) })),
    automatic: order.origin === "auto_top_up",
  };
}

/** What a person needs to find the payment again, everywhere it left a trace. */
function factsOf(ctx: TenantCtx, order: Order, lines: readonly OrderLine[], payment: Payment) {
  const credits = lines.reduce((sum, line) => sum + (line.credits ?? 0), 0);
  const plan = lines.find((line) => line.kind === "plan");
  return {
    origin: order.origin,
    session: payment.sessionId ?? null,
    payment: payment.paymentId,
    event: ctx.actor.kind === "webhook" ? ctx.actor.eventId : null,
    plan: plan?.planVersion ?? null,
    days: plan?.days ?? null,
    credits,
    totalMinor: Number(payment.totalMinor),
    taxMinor: Number(payment.taxMinor ?? 0n),
    currency: payment.currency,
  };
}
