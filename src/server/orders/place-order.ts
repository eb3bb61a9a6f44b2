import { and, asc, eq } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import type { NewLine } from "./order-lines";
import { orderLines, orders } from "./tables";

export type Order = typeof orders.$inferSelect;
export type OrderLine = typeof orderLines.$inferSelect;

/** Writes an order that is to be paid: before anybody is asked for money, so that a crash loses none. */
export async function placeOrder(
  ctx: TenantCtx & { tx: Tx },
  wanted: { origin: Order["origin"]; currency: string; lines: readonly NewLine[] },
): Promise<Order> {
  const now = ctx.now();
  const tenantId = ctx.tenant.id;
  const [order] = await ctx.tx
    .insert(orders)
    .values({
      tenantId,
      id: newId("order", now),
      status: "open",
      origin: wanted.origin,
      provider: "stripe",
      currency: wanted.currency,
      totalMinor: wanted.lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0n),
      createdBy: actorName(ctx.actor),
      createdAt: now,
    })
    .returning();
  const orderId = order!.id;
  const lines = wanted.lines.map((line, at) => ({ tenantId, orderId, line: at + 1, ...line }));
  await ctx.tx.insert(orderLines).values(lines);
  return order!;
}

/** An order's lines, in order. */
export function linesOf(ctx: TenantCtx, orderId: string): Promise<OrderLine[]> {
  return inTenant(ctx, (tx) =>
    tx
      .select()
      .from(orderLines)
      .where(and(eq(orderLines.tenantId, ctx.tenant.id), eq(orderLines.orderId, orderId)))
      .orderBy(asc(orderLines.line)),
  );
}

/** Ends an order that nobody paid: its page is closed, or the payment failed. One that was paid stays so. */
export async function closeOrder(
  ctx: TenantCtx & { tx: Tx },
  orderId: string,
  status: "expired" | "failed",
  failedReason: string | null = null,
): Promise<void> {
  await ctx.tx
    .update(orders)
    .set({ status, failedReason })
    .where(and(eq(orders.tenantId, ctx.tenant.id), eq(orders.id, orderId), eq(orders.status, "open")));
}
