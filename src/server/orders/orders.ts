import { and, asc, desc, eq, inArray, lt } from "drizzle-orm";
import type { Money } from "@/lib/money";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type OrderInput, type OrdersInput, orderInput, ordersInput } from "./inputs";
import type { Order, OrderLine } from "./place-order";
import { orderLines, orders } from "./tables";

export interface OrderLineView {
  kind: "credits" | "plan";
  /** As the receipt says it: "500 credits", "Standard, 30 days". */
  name: string;
  credits: number | null;
  /** Days that the credits last; null: for good. */
  creditsExpireAfterDays: number | null;
  planVersion: string | null;
  /** Prepaid days; null for credits, and for a plan that a subscription brings. */
  days: number | null;
  /** Before tax. */
  amount: Money;
}

export interface OrderView {
  id: string;
  status: Order["status"];
  origin: Order["origin"];
  lines: OrderLineView[];
  /** What was paid, tax included; of an order that is still open, what the lines come to. */
  total: Money;
  /** Of the total. */
  tax: Money;
  createdAt: Date;
  paidAt: Date | null;
  /** The payment provider's name of the payment; null while none is known. */
  paymentId: string | null;
  failedReason: string | null;
}

/** The tenant's orders, newest first; `next` is the cursor of the next page, null at the end. */
export async function listOrders(
  ctx: TenantCtx,
  input?: OrdersInput,
): Promise<{ orders: OrderView[]; next: string | null }> {
  const { cursor, limit } = parseInput(ordersInput, input);
  const ofTenant = eq(orders.tenantId, ctx.tenant.id);
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(orders)
      .where(cursor ? and(ofTenant, lt(orders.id, cursor)) : ofTenant)
      .orderBy(desc(orders.id))
      .limit(limit + 1),
  );
  const page = rows.slice(0, limit);
  const next = rows.length > limit ? (page.at(-1)?.id ?? null) : null;
  return { orders: await viewsOf(ctx, page), next };
}

/** One order: the receipt of all it sold. @throws AppError NOT_FOUND */
export async function orderOf(ctx: TenantCtx, input: OrderInput): Promise<OrderView> {
  const { orderId } = parseInput(orderInput, input);
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(orders)
      .where(and(eq(orders.tenantId, ctx.tenant.id), eq(orders.id, orderId))),
  );
  const [order] = await viewsOf(ctx, rows);
  if (!order) throw new AppError("NOT_FOUND", "There is no such order.");
  return order;
}

async function viewsOf(ctx: TenantCtx, rows: readonly Order[]): Promise<OrderView[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const lines = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(orderLines)
      .where(and(eq(orderLines.tenantId, ctx.tenant.id), inArray(orderLines.orderId, ids)))
      .orderBy(asc(orderLines.orderId), asc(orderLines.line)),
  );
  return rows.map((row) =>
    viewOf(
      row,
      lines.filter(({ orderId }) => orderId === row.id),
    ),
  );
}

function viewOf(row: Order, lines: readonly OrderLine[]): OrderView {
  const { id, status, origin, currency, createdAt, paidAt, paymentId, failedReason } = row;
  return {
    id,
    status,
    origin,
    lines: lines.map(({ kind, name, credits, creditsExpireAfterDays, planVersion, days, amountMinor }) => ({
      kind,
      name,
      credits,
      creditsExpireAfterDays,
      planVersion,
      days,
      amount: { amountMinor, currency },
    })),
    total: { amountMinor: row.totalMinor, currency },
    tax: { amountMinor: row.taxMinor, currency },
    createdAt,
    paidAt,
    paymentId,
    failedReason,
  };
}
