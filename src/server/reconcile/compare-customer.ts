import { and, desc, eq, isNotNull, isNull, ne } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import type { Order } from "../orders/place-order";
import { checkouts, disputes, orders, refunds } from "../orders/tables";
import { currentPlan } from "../plans/service";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { customers } from "../stripe/tables";
import { waits } from "../subscriptions/prepaid-time-rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { fetchState } from "../sync/fetch";
import { askForLook } from "../sync/look-at-payment";
import { closeDrift, type Drift, noteDrift } from "../sync/note-drift";
import { syncCustomer } from "../sync/sync";
import { compareDocuments, healDocuments } from "./compare-documents";
import { chargeDrift, checkoutDrift, moneyBackDrift, planDrift, subscriptionDrift } from "./drift-rules";

/** A bank may take a payment back for about so long. */
const PAYMENTS_DAYS = 120;
const DAY_MS = 86_400_000;
const MAX_PAYMENTS = 200;

export interface Compared {
  found: Drift[];
  /** What a sync could not put right. */
  left: Drift[];
}

/**
 * Compares all that we keep of a customer with Stripe, and lets the one sync put right what differs. What is left then,
 * people have to look at.
 * @throws AppError PAYMENT_PROVIDER, BUSY
 */
export async function reconcileCustomer(ctx: TenantCtx, customerId: string): Promise<Compared> {
  const found = await compareCustomer(ctx, customerId);
  if (found.length === 0) {
    await closeDrift(ctx, [], { customerId, how: "gone" });
    return { found, left: [] };
  }
  // News on its way is no drift: whoever brings it is at it right now.
  if (await isBeingSynced(ctx)) return { found: [], left: [] };
  const all = new Map<string, Drift>();
  let left = found;
  // What one sync brings in may differ in turn: an order that nobody told us was paid, whose payment was disputed since.
  for (let unseen = found; unseen.length > 0; unseen = left.filter((one) => !all.has(nameOf(one)))) {
    for (const one of unseen) all.set(nameOf(one), one);
    await heal(ctx, customerId, unseen);
    left = await compareCustomer(ctx, customerId);
  }
  await closeDrift(ctx, left, { customerId, how: "synced" });
  return { found: [...all.values()], left };
}

async function heal(ctx: TenantCtx, customerId: string, found: Drift[]): Promise<void> {
  await noteDrift(ctx, found, { customerId });
  for (const { kind, subject } of found) if (kind === "money_back") await lookAtOrder(ctx, subject);
  await healDocuments(ctx, found);
  await syncCustomer(ctx);
}

const nameOf = ({ kind, subject }: Drift) => `${kind} ${subject}`;

/** Where we and Stripe disagree about a customer. Reads only. @throws AppError PAYMENT_PROVIDER */
export async function compareCustomer(ctx: TenantCtx, customerId: string): Promise<Drift[]> {
  const since = new Date(ctx.now().getTime() - PAYMENTS_DAYS * DAY_MS);
  const [state, charges] = [await fetchState(ctx), await chargesOf(ctx, customerId, since)];
  const rows = await localSubscriptions(ctx);
  const { version } = await currentPlan(ctx);
  const money = await moneyOf(ctx);
  const found = [
    ...subscriptionDrift(rows, state.subscriptions, (priceId) => state.versions.has(priceId)),
    ...planDrift(
      rows.filter((row) => !waits(row, ctx.now())),
      version.id,
    ),
    ...checkoutDrift(await unsettled(ctx), state.sessions),
    ...moneyBackDrift(money, state.moneyBack),
    ...chargeDrift(money, charges),
    ...(await compareDocuments(ctx, customerId, { orders: money.map(({ order }) => order), charges, since })),
  ];
  // One line for each thing, whatever brought it up.
  return [...new Map(found.map((one) => [nameOf(one), one])).values()];
}

async function chargesOf(ctx: TenantCtx, customer: string, since: Date): Promise<Stripe.Charge[]> {
  const gte = Math.floor(since.getTime() / 1_000);
  try {
    const list = ctx.stripe.charges.list({ customer, created: { gte }, limit: 100 });
    return await list.autoPagingToArray({ limit: MAX_PAYMENTS });
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw asProviderError(error);
  }
}

async function moneyOf(ctx: TenantCtx) {
  const { id: tenantId } = ctx.tenant;
  const [paid, refunded, disputed] = await inTenant(ctx, async (tx) => [
    await tx
      .select()
      .from(orders)
      .where(and(eq(orders.tenantId, tenantId), isNotNull(orders.paymentId)))
      .orderBy(desc(orders.id))
      .limit(MAX_PAYMENTS),
    await tx.select().from(refunds).where(eq(refunds.tenantId, tenantId)),
    await tx.select().from(disputes).where(eq(disputes.tenantId, tenantId)),
  ]);
  const ofOrder = (order: Order) => (row: { orderId: string }) => row.orderId === order.id;
  return paid.map((order) => ({
    order,
    refunds: refunded.filter(ofOrder(order)),
    disputes: disputed.filter(ofOrder(order)).length,
  }));
}

function unsettled(ctx: TenantCtx) {
  return inTenant(ctx, (tx) =>
    tx
      .select()
      .from(checkouts)
      .where(
        and(
          eq(checkouts.tenantId, ctx.tenant.id),
          isNull(checkouts.completedAt),
          ne(checkouts.status, "expired"),
        ),
      ),
  );
}

async function isBeingSynced(ctx: TenantCtx): Promise<boolean> {
  const [row] = await inTenant(ctx, (tx) =>
    tx.select().from(customers).where(eq(customers.tenantId, ctx.tenant.id)),
  );
  return row !== undefined && row.leaseEndsAt !== null && row.requested > row.synced;
}

async function lookAtOrder(ctx: TenantCtx, orderId: string): Promise<void> {
  const [order] = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(orders)
      .where(and(eq(orders.tenantId, ctx.tenant.id), eq(orders.id, orderId))),
  );
  if (order?.paymentId) await askForLook(ctx, order.paymentId);
}
