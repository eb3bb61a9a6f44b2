import { and, asc, desc, eq, exists, gt, isNotNull, notInArray, or } from "drizzle-orm";
import type Stripe from "stripe";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import type { DisputeFact, RefundFact } from "../orders/money-back-rules";
import { orders, refunds } from "../orders/tables";
import { instantOf } from "../stripe/rules";
import { isMissingAtStripe } from "../stripe/stripe-client";

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
    due.map(async ({ id, asked, ...payment }) => ({
      orderId: id,
      asked,
      ...(await moneyBackAt(ctx, payment)),
    })),
  );
}

/** What an order says about its payment. */
interface Paid {
  paymentId: string | null;
  totalMinor: bigint;
  currency: string;
}

/** A payment's refunds and disputes as they stand at Stripe. */
async function moneyBackAt(ctx: Ctx, paid: Paid): Promise<Pick<MoneyBack, "refunds" | "disputes">> {
  const page = { payment_intent: paid.paymentId!, limit: 100 };
  const [refunded, disputed] = await Promise.all([
    allOf(() => ctx.stripe.refunds.list(page).autoPagingToArray({ limit: MAX_FACTS })),
    allOf(() => ctx.stripe.disputes.list(page).autoPagingToArray({ limit: MAX_FACTS })),
  ]);
  return { refunds: refunded.map(refundFact), disputes: disputed.map((one) => disputeFact(one, paid)) };
}

function ordersToLookAt(ctx: TenantCtx) {
  const isAsked = gt(orders.moneyBackAsked, orders.moneyBackSeen);
  const { paymentId, totalMinor, currency } = orders;
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
      .select({ id: orders.id, asked: orders.moneyBackAsked, paymentId, totalMinor, currency })
      .from(orders)
      .where(
        and(
          eq(orders.tenantId, ctx.tenant.id),
          isNotNull(paymentId),
          or(isAsked, eq(orders.status, "disputed"), exists(waiting)),
        ),
      )
      .orderBy(desc(isAsked), asc(orders.id))
      .limit(MAX_ORDERS);
  });
}

/** A payment that Stripe doesn't know tells nothing new: what was seen of it before stays. */
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

/** A bank may claim in its own currency. How much of ours that is, is not known: all of it, until it is decided. */
function disputeFact(dispute: Stripe.Dispute, { totalMinor, currency }: Paid): DisputeFact {
  const { id, amount, status, reason, created } = dispute;
  const amountMinor = dispute.currency === currency ? BigInt(amount) : totalMinor;
  return { disputeId: id, amountMinor, status, reason, openedAt: instantOf(created) };
}
