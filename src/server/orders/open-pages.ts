import { and, eq, inArray, isNotNull, isNull } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import type { NewLine } from "./order-lines";
import { closeOrder, linesOf, type OrderLine } from "./place-order";
import { isSubscription, type Purchase } from "./purchase";
import { checkouts, orderLines } from "./tables";

export type CheckoutRow = typeof checkouts.$inferSelect;

/** A hosted page, and what its order sells; a subscription alone has no order and no lines. */
export interface Page {
  row: CheckoutRow;
  lines: OrderLine[];
}

/**
 * Pages that may not stay open beside a new one: those of its purpose, and, when both sell a plan, any that does.
 * So nobody can pay for two plans at once.
 */
export async function clashingPages(ctx: TenantCtx, purchase: Purchase): Promise<Page[]> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(checkouts)
      .where(and(eq(checkouts.tenantId, ctx.tenant.id), eq(checkouts.status, "open"))),
  );
  const pages = await Promise.all(
    rows.map(async (row) => ({ row, lines: row.orderId ? await linesOf(ctx, row.orderId) : [] })),
  );
  const sellsPlan = purchase.lines.some(isPlan);
  return pages.filter(({ row, lines }) => {
    const pageSellsPlan = row.purpose === "subscription" || lines.some(isPlan);
    return row.purpose === purchase.purpose || (sellsPlan && pageSellsPlan);
  });
}

/** Whether a page sells exactly that, at today's prices. */
export function isFor({ row, lines }: Page, purchase: Purchase): boolean {
  if (row.purpose !== purchase.purpose || row.item !== purchase.item) return false;
  if (row.orderId === null) return purchase.lines.every(isSubscription);
  return (
    lines.length === purchase.lines.length && lines.every((line, at) => isSame(line, purchase.lines[at]!))
  );
}

const isPlan = ({ kind }: { kind: "credits" | "plan" }) => kind === "plan";

const SOLD = [
  "name",
  "credits",
  "creditsExpireAfterDays",
  "planVersion",
  "days",
  "amountMinor",
  "lookupKey",
] as const;
const isSame = (line: OrderLine, wanted: NewLine) =>
  SOLD.every((field) => (line[field] ?? null) === (wanted[field] ?? null));

/** Writes down that pages are closed, and their orders with them. */
export async function closePages(
  ctx: TenantCtx & { tx: Tx },
  rows: readonly Pick<CheckoutRow, "id" | "orderId">[],
): Promise<void> {
  if (rows.length === 0) return;
  const ids = rows.map(({ id }) => id);
  await ctx.tx
    .update(checkouts)
    .set({ status: "expired" })
    .where(and(eq(checkouts.tenantId, ctx.tenant.id), inArray(checkouts.id, ids)));
  for (const { orderId } of rows) if (orderId) await closeOrder(ctx, orderId, "expired");
}

/** Whether a plan was paid for in a way that takes days, and nobody knows yet whether the money comes. */
export async function isPlanOnItsWay(ctx: TenantCtx): Promise<boolean> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ id: checkouts.id })
      .from(checkouts)
      .innerJoin(
        orderLines,
        and(eq(orderLines.tenantId, checkouts.tenantId), eq(orderLines.orderId, checkouts.orderId)),
      )
      .where(
        and(
          eq(checkouts.tenantId, ctx.tenant.id),
          eq(checkouts.status, "complete"),
          isNull(checkouts.completedAt),
          isNotNull(orderLines.planVersion),
        ),
      )
      .limit(1),
  );
  return rows.length > 0;
}
