import { and, eq } from "drizzle-orm";
import Stripe from "stripe";
import { logError } from "@/lib/log";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { isRefunding, isWithdrawn } from "../orders/money-back-rules";
import type { Order } from "../orders/place-order";
import { orders } from "../orders/tables";
import { parseInput } from "../parse";
import { asProviderError, isKeySpent } from "../stripe/stripe-client";
import { askForLook } from "../sync/look-at-payment";
import { syncCustomer } from "../sync/sync";
import { type RefundOrderInput, refundOrderInput } from "./inputs";

const MAX_REFUNDS = 1_000;
/** Of a payment: a wish that failed inside Stripe needs another key, since the old one answers with the failure for a day. */
const MAX_KEYS = 3;

export interface OrderRefund {
  /** re_… */
  refundId: string;
  /** Minor units of the order's currency. */
  amountMinor: number;
  /** Stripe's word: `succeeded`, `pending`, `failed` … */
  status: string;
  /** The same wish had been granted before. */
  replayed: boolean;
}

type PaidOrder = Order & { paymentId: string };

/**
 * Gives money of an order back, by the operator: `amountMinor`, or all that is left. Stripe is asked once per payment,
 * amount and key, however often and by however many; the sync then takes back what the money bought.
 * @throws AppError NOT_FOUND, INVALID_INPUT for more than is left, CONFLICT when nothing was paid, all went back or the
 * bank has the money, IDEMPOTENCY_CONFLICT for a key that refunded another amount, PAYMENT_PROVIDER
 */
export async function refundOrder(ctx: TenantCtx, input: RefundOrderInput): Promise<OrderRefund> {
  if (ctx.tx) throw new Error("refundOrder waits for Stripe: call it outside transactions.");
  const wish = parseInput(refundOrderInput, input);
  const order = await paidOrder(ctx, wish.orderId);
  const refund = await inStripesWords(() => refundOnce(ctx, order, wish));
  await askForLook(ctx, order.paymentId);
  await follow(ctx);
  return refund;
}

async function paidOrder(ctx: TenantCtx, orderId: string): Promise<PaidOrder> {
  const [order] = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(orders)
      .where(and(eq(orders.tenantId, ctx.tenant.id), eq(orders.id, orderId))),
  );
  if (!order) throw new AppError("NOT_FOUND", "There is no such order.");
  const { paymentId } = order;
  if (!order.fulfilledAt || !paymentId) throw new AppError("CONFLICT", "Nothing was paid for this order.");
  return { ...order, paymentId };
}

type Wish = ReturnType<typeof refundOrderInput.parse>;

/** Stripe's own list is asked first: it knows a key for ever, and an answer that got lost. */
async function refundOnce(ctx: TenantCtx, order: PaidOrder, wish: Wish): Promise<OrderRefund> {
  for (let attempt = 1; ; attempt += 1) {
    const made = await refundsOf(ctx, order.paymentId);
    const known = made.find(({ metadata }) => metadata?.key === wish.key);
    if (known) return replayed(known, wish);
    const amount = await amountOf(ctx, order, wish, made);
    await tellWish(ctx, order, wish, amount);
    const idempotencyKey = `refund:${order.paymentId}:${amount}:${wish.key}${attempt === 1 ? "" : `:${attempt}`}`;
    const metadata = { tenantId: ctx.tenant.id, orderId: order.id, key: wish.key };
    try {
      const refund = await ctx.stripe.refunds.create(
        { payment_intent: order.paymentId, amount, metadata },
        { idempotencyKey },
      );
      return viewOf(refund, false);
    } catch (error) {
      if (!isKeySpent(error) || attempt >= MAX_KEYS) throw error;
    }
  }
}

function refundsOf(ctx: TenantCtx, payment_intent: string): Promise<Stripe.Refund[]> {
  return ctx.stripe.refunds.list({ payment_intent, limit: 100 }).autoPagingToArray({ limit: MAX_REFUNDS });
}

function replayed(refund: Stripe.Refund, { amountMinor }: Wish): OrderRefund {
  if (amountMinor !== undefined && amountMinor !== refund.amount)
    throw new AppError("IDEMPOTENCY_CONFLICT", "This key has refunded another amount.");
  return viewOf(refund, true);
}

/** @returns minor units, no more than the payment has left */
async function amountOf(
  ctx: TenantCtx,
  { paymentId }: PaidOrder,
  { amountMinor }: Wish,
  made: readonly Stripe.Refund[],
): Promise<number> {
  const [{ amount_received: paid }, disputed] = await Promise.all([
    ctx.stripe.paymentIntents.retrieve(paymentId),
    ctx.stripe.disputes.list({ payment_intent: paymentId, limit: 100 }),
  ]);
  if (disputed.data.some(({ status }) => isWithdrawn(status)))
    throw new AppError("CONFLICT", "The payment is disputed: its money is with the bank.");
  const gone = made.filter(({ status }) => isRefunding({ status: status ?? "pending" }));
  const left = paid - gone.reduce((sum, { amount }) => sum + amount, 0);
  if (left <= 0) throw new AppError("CONFLICT", "All of this order's money has been refunded.");
  if (amountMinor !== undefined && amountMinor > left)
    throw new AppError("INVALID_INPUT", `No more than ${left} minor units can be refunded.`);
  return amountMinor ?? left;
}

/** Who wished it and why, before any money moves; the order is marked, so that a crash after does not hide the refund. */
async function tellWish(ctx: TenantCtx, order: PaidOrder, wish: Wish, amountMinor: number): Promise<void> {
  const { paymentId: payment, currency } = order;
  await inTenant(ctx, async (_tx, inner) => {
    await audit(inner, {
      action: "order.refund_requested",
      subject: order.id,
      details: { payment, amountMinor, currency, reason: wish.reason, key: wish.key },
    });
    await askForLook(inner, payment);
  });
}

/** The money has moved: what follows from it may come later, by webhook or by the next sync. */
async function follow(ctx: TenantCtx): Promise<void> {
  try {
    await syncCustomer(ctx);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    logError("refund: the sync comes later", error);
  }
}

const REFUSED: ReadonlySet<string> = new Set(["charge_already_refunded", "charge_disputed"]);

/** Somebody else was quicker: what Stripe refuses for what the payment has become is a conflict, not a breakdown. */
async function inStripesWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Stripe.errors.StripeIdempotencyError)
      throw new AppError("IDEMPOTENCY_CONFLICT", "This key has asked for something else.", { cause: error });
    if (error instanceof Stripe.errors.StripeInvalidRequestError && REFUSED.has(error.code ?? ""))
      throw new AppError("CONFLICT", "The payment can't be refunded any more.", { cause: error });
    throw asProviderError(error);
  }
}

function viewOf({ id, amount, status }: Stripe.Refund, wasThere: boolean): OrderRefund {
  return { refundId: id, amountMinor: amount, status: status ?? "pending", replayed: wasThere };
}
