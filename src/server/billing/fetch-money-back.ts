import { and, asc, desc, eq, exists, gt, isNotNull, notInArray, or } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import type { DisputeFact, RefundFact } from "./money-back-rules";
import { instantOf } from "./rules";
import { isMissingAtStripe } from "./stripe-client";
import { orders, refunds } from "./tables";

/** Each costs two questions; the rest waits for the next sync. */
const MAX_ORDERS = 20;
const MAX_FACTS = 1_000;

/** All that went back, or may go back, of one order's payment. */
export interface MoneyBack {
  orderId: string;
  /** The last wish that this look covers. */
  asked: number;
  refunds: readonly RefundFact[];
  disputes: readonly DisputeFact[];
}

/** Looks at the payments of orders that an event named, and at those about which the bank has yet to decide. */
export async function fetchMoneyBack(ctx: TenantCtx): Promise<MoneyBack[]> {
  const due = await ordersToLookAt(ctx);
  return Promise.all(
    due.map(async ({ id, asked, paymentId }) => ({
      orderId: id,
      asked,
      ...(await moneyBackAt(ctx, paymentId!)),
    })),
  );
}

/** A payment's refunds and disputes as they stand at Stripe. */
export async function moneyBackAt(
  ctx: Ctx,
  payment_intent: string,
): Promise<Pick<MoneyBack, "refunds" | "disputes">> {
  const page = { payment_intent, limit: 100 };
  const [refunded, disputed] = await Promise.all([
    allOf(() => ctx.stripe.refunds.list(page).autoPagingToArray({ limit: MAX_FACTS })),
    allOf(() => ctx.stripe.disputes.list(page).autoPagingToArray({ limit: MAX_FACTS })),
  ]);
  return { refunds: refunded.map(refundFact), disputes: disputed.map(disputeFact) };
}

function ordersToLookAt(ctx: TenantCtx) {
  const isAsked = gt(orders.moneyBackAsked, orders.moneyBackSeen);
  return inTenant(ctx, (tx) => {
    const waiting = tx
      .select({ id: refunds.refundId })
      .from(refunds)
      .where(
        and(
          eq(refunds.tenantId, orders.tenantId),
          eq(refunds.orderId, orders.id),
          notInArray(refunds.status, ["succeeded", "failed", "canceled"]),
        ),
      );
    return tx
      .select({ id: orders.id, asked: orders.moneyBackAsked, paymentId: orders.paymentId })
      .from(orders)
      .where(
        and(
          eq(orders.tenantId, ctx.tenant.id),
          isNotNull(orders.paymentId),
          or(isAsked, eq(orders.status, "disputed"), exists(waiting)),
        ),
      )
      .orderBy(desc(isAsked), asc(orders.id))
      .limit(MAX_ORDERS);
  });
}

async function allOf<T>(list: () => Promise<T[]>): Promise<T[]> {
  try {
    return await list();
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw error;
  }
}

function refundFact({ id, amount, status, created }: Stripe.Refund): RefundFact {
  return {
    refundId: id,
    amountMinor: BigInt(amount),
    status: status ?? "pending",
    createdAt: instantOf(created),
  };
}

function disputeFact({ id, amount, status, reason, created }: Stripe.Dispute): DisputeFact {
  return { disputeId: id, amountMinor: BigInt(amount), status, reason, openedAt: instantOf(created) };
}
