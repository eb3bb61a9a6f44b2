import { and, eq, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { followDebt } from "../credits/follow-debt";
import type { Tx } from "../db/client";
import { lockPlan } from "../entitlements/follow-plan";
import { audit } from "../events/service";
import { lockTenant } from "../ledger/lock-tenant";
import { takeBackTo } from "../ledger/take-back";
import { compensate } from "../orders/compensate";
import { lineSource } from "../orders/fulfil-order";
import { endsTopUps, isDecided, moneyBackOf, shareOf, statusOf } from "../orders/money-back-rules";
import { linesOf, type Order, type OrderLine } from "../orders/place-order";
import { followPrepaid } from "../orders/prepaid";
import { disputes, orderLines, orders, refunds } from "../orders/tables";
import { failed } from "../top-ups/auto-top-up-rules";
import { stopTopUps } from "../top-ups/top-up-settlement";
import { lockAutoTopUp } from "../top-ups/top-up-standing";
import type { MoneyBack } from "./fetch-money-back";
import { tellMoneyBack } from "./tell-money-back";

type WritingCtx = TenantCtx & { tx: Tx };

const REASON = "the money went back";

/**
 * Brings what was bought in line with how much of its money is back, in the caller's transaction. Each share is counted
 * anew from all refunds and disputes there are, so it comes to the same whatever was told before, and in which order.
 */
export async function applyMoneyBack(ctx: WritingCtx, looks: readonly MoneyBack[]): Promise<void> {
  if (looks.length === 0) return;
  // In the order in which everything else locks them.
  await lockAutoTopUp(ctx);
  await lockPlan(ctx);
  await lockTenant(ctx);
  for (const look of looks) await applyLook(ctx, look);
  await compensate(ctx);
  await followDebt(ctx);
  await followPrepaid(ctx);
}

async function applyLook(ctx: WritingCtx, look: MoneyBack): Promise<void> {
  const ofOrder = and(eq(orders.tenantId, ctx.tenant.id), eq(orders.id, look.orderId));
  const [before] = await ctx.tx.select().from(orders).where(ofOrder).for("no key update");
  if (!before?.fulfilledAt) return;
  await copyFacts(ctx, look);
  await tellMoneyBack(ctx, before, look);
  const facts = await knownFacts(ctx, before);
  const moneyBackMinor = moneyBackOf(before.totalMinor, facts.refunds, facts.disputes);
  const after = { ...before, moneyBackMinor };
  const status = statusOf(after, facts.disputes);
  const moneyBackSeen = sql`greatest(${orders.moneyBackSeen}, ${look.asked}::integer)`;
  await ctx.tx.update(orders).set({ moneyBackMinor, status, moneyBackSeen }).where(ofOrder);
  const lines = await linesOf(ctx, before.id);
  const takenBack = { credits: 0, owed: 0, days: 0 };
  for (const line of lines) {
    const { taken, owed } = await followCredits(ctx, after, line);
    takenBack.credits += taken;
    takenBack.owed += owed;
    takenBack.days += await followDays(ctx, after, line);
  }
  if (moneyBackMinor === before.moneyBackMinor && status === before.status) return;
  if (endsTopUps(before, { ...after, status }, facts.disputes)) await endTopUps(ctx, status);
  await audit(ctx, {
    action: "order.money_back",
    subject: before.id,
    details: detailsOf(ctx, { ...after, status }, facts, takenBack),
  });
}

async function copyFacts(ctx: WritingCtx, { orderId, ...look }: MoneyBack): Promise<void> {
  const tenantId = ctx.tenant.id;
  for (const refund of look.refunds) {
    const target = [refunds.tenantId, refunds.orderId, refunds.refundId];
    const row = { tenantId, orderId, ...refund };
    await ctx.tx.insert(refunds).values(row).onConflictDoUpdate({ target, set: refund });
  }
  for (const dispute of look.disputes) {
    const target = [disputes.tenantId, disputes.orderId, disputes.disputeId];
    const at = isDecided(dispute.status) ? ctx.now() : null;
    const closedAt = at && sql`coalesce(${disputes.closedAt}, ${at.toISOString()}::timestamptz)`;
    const row = { tenantId, orderId, ...dispute, closedAt: at };
    await ctx.tx
      .insert(disputes)
      .values(row)
      .onConflictDoUpdate({ target, set: { ...dispute, closedAt } });
  }
}

/** All that was ever seen at Stripe, as it was last seen: neither refunds nor disputes end by not being listed. */
async function knownFacts(ctx: WritingCtx, { id }: Order) {
  const of = (table: typeof refunds | typeof disputes) =>
    and(eq(table.tenantId, ctx.tenant.id), eq(table.orderId, id));
  return {
    refunds: await ctx.tx.select().from(refunds).where(of(refunds)).orderBy(refunds.refundId),
    disputes: await ctx.tx.select().from(disputes).where(of(disputes)).orderBy(disputes.disputeId),
  };
}

type Facts = Awaited<ReturnType<typeof knownFacts>>;

async function followCredits(ctx: WritingCtx, order: Order, { line, credits }: OrderLine) {
  if (!credits) return { taken: 0, owed: 0 };
  return takeBackTo(ctx, {
    source: lineSource(order.id, line),
    target: shareOf(credits, order),
    reason: REASON,
  });
}

/** Days of a plan go back in the same share; when all of them have, the term never was. */
async function followDays(ctx: WritingCtx, order: Order, { line, days }: OrderLine): Promise<number> {
  if (days === null) return 0;
  const daysTakenBack = shareOf(days, order);
  await ctx.tx
    .update(orderLines)
    .set({ daysTakenBack })
    .where(
      and(
        eq(orderLines.tenantId, ctx.tenant.id),
        eq(orderLines.orderId, order.id),
        eq(orderLines.line, line),
      ),
    );
  return daysTakenBack;
}

/** Whoever took money back is not charged by itself, to make up for the very credits that went with it. */
async function endTopUps(ctx: WritingCtx, status: Order["status"]): Promise<void> {
  if ((await lockAutoTopUp(ctx))?.enabledAt)
    await stopTopUps(ctx, { ...failed("money_back", status), orderId: null });
}

function detailsOf(
  ctx: TenantCtx,
  order: Order,
  facts: Facts,
  takenBack: Readonly<{ credits: number; owed: number; days: number }>,
) {
  return {
    status: order.status,
    payment: order.paymentId,
    event: ctx.actor.kind === "webhook" ? ctx.actor.eventId : null,
    refunds: facts.refunds.map(({ refundId, status }) => `${refundId} ${status}`),
    disputes: facts.disputes.map(({ disputeId, status }) => `${disputeId} ${status}`),
    moneyBackMinor: Number(order.moneyBackMinor),
    totalMinor: Number(order.totalMinor),
    currency: order.currency,
    ...takenBack,
  };
}
