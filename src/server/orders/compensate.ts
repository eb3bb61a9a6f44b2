import { and, asc, eq, isNotNull, like } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { grantCredits } from "../credits/grant-credits";
import type { Tx } from "../db/client";
import { lots } from "../ledger/tables";
import { takeBackTo } from "../ledger/take-back";
import { shareOf } from "./money-back-rules";
import { prepaidOf } from "./prepaid";
import { orderLines, orders } from "./tables";

type WritingCtx = TenantCtx & { tx: Tx };

/** The lots that compensate for days left of the plan that an order took the place of: this, or this and a suffix. */
export const compensationSource = (orderId: string) => `order:${orderId}:compensation`;

/**
 * Makes what upgrades gave for days of the plan before be what is due now: in the share that the upgrade is still paid
 * for, and not for days whose own money is back. One order's money may change what a later one gives, either way, so
 * all are looked at. Converges: told twice, or in another order, it comes to the same.
 */
export async function compensate(ctx: WritingCtx): Promise<void> {
  const { compensations } = await prepaidOf(ctx);
  for (const order of await planOrders(ctx)) {
    const due = compensations.get(order.id) ?? 0;
    await compensateTo(ctx, compensationSource(order.id), due - shareOf(due, order));
  }
}

function planOrders(ctx: WritingCtx) {
  return ctx.tx
    .selectDistinct({ id: orders.id, totalMinor: orders.totalMinor, moneyBackMinor: orders.moneyBackMinor })
    .from(orders)
    .innerJoin(orderLines, and(eq(orderLines.tenantId, orders.tenantId), eq(orderLines.orderId, orders.id)))
    .where(and(eq(orders.tenantId, ctx.tenant.id), isNotNull(orderLines.days), isNotNull(orders.fulfilledAt)))
    .orderBy(orders.id);
}

/** Too little was ever given: a lot for the rest, named after what there was. Too much: taken back, the newest lot first. */
async function compensateTo(ctx: WritingCtx, source: string, keep: number): Promise<void> {
  const given = await ctx.tx
    .select({ source: lots.source, granted: lots.granted })
    .from(lots)
    .where(and(eq(lots.tenantId, ctx.tenant.id), like(lots.source, `${source}%`)))
    .orderBy(asc(lots.id));
  const total = given.reduce((sum, { granted }) => sum + granted, 0);
  let tooMuch = Math.max(total - keep, 0);
  for (const lot of given.reverse()) {
    const target = Math.min(tooMuch, lot.granted);
    tooMuch -= target;
    await takeBackTo(ctx, { source: lot.source, target, reason: "the money went back" });
  }
  if (keep <= total) return;
  const missing = { amount: keep - total, kind: "compensation" as const };
  await grantCredits(ctx, { ...missing, source: total === 0 ? source : `${source}:${total}` });
}
