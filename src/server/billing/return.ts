import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { balance } from "../credits/balance";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { checkouts } from "../orders/tables";
import { parseInput } from "../parse";
import { currentPlan, planVersion } from "../plans/service";
import { syncCustomer } from "../sync/sync";
import { type ReturnInput, returnInput } from "./inputs";
import { settlePaymentMethods } from "./payment-methods";

export interface ReturnView {
  /** `processing`: the payment is on its way, such as a bank debit, and nothing was granted yet. */
  status: "paid" | "processing" | "open" | "expired";
  purpose: "subscription" | "order";
  /** Its receipt (`billing.order`); null for a subscription alone. */
  orderId: string | null;
  /** The plan that this checkout sold, by its name; null for credits alone. */
  planBought: string | null;
  /** All credits that this checkout sold; null when it sold none. */
  creditsBought: number | null;
  /** When what it sold begins, if that is later: a subscription after paid days, or days after a subscription. */
  beginsAt: Date | null;
  /** The plan in force now. */
  plan: { id: string; name: string; version: string; interval: "month" | "year" };
  creditsAvailable: number;
}

/**
 * What the buyer sees on coming back. Runs the same sync as the webhooks, so the plan is there at once, whether or
 * not an event has arrived; asking again changes nothing.
 * @throws AppError NOT_FOUND when the session is not one of this tenant's, PAYMENT_PROVIDER, BUSY
 */
export async function completeReturn(ctx: TenantCtx, input: ReturnInput): Promise<ReturnView> {
  const { sessionId } = parseInput(returnInput, input);
  await checkoutOf(ctx, sessionId);
  await syncCustomer(ctx);
  const checkout = await checkoutOf(ctx, sessionId);
  const { version, interval } = await currentPlan(ctx);
  const { id, name } = version.definition.plan;
  return {
    status: statusOf(checkout),
    purpose: checkout.purpose === "subscription" ? "subscription" : "order",
    orderId: checkout.orderId,
    planBought: await planSold(ctx, checkout),
    beginsAt: beginOfItem(checkout),
    creditsBought: checkout.credits,
    plan: { id, name, version: version.id, interval },
    creditsAvailable: (await balance(ctx)).available,
  };
}

async function planSold(ctx: TenantCtx, { item }: typeof checkouts.$inferSelect): Promise<string | null> {
  const [, id] = /^([a-z][a-z0-9_]*@\d+):/.exec(item) ?? [];
  return id ? (await planVersion(ctx, id)).definition.plan.name : null;
}

/** As the page was opened for: see `orders/prepaid-moves.ts`. */
function beginOfItem({ item }: typeof checkouts.$inferSelect): Date | null {
  const [, at] = /\+(?:from|ends:[^:]+):(\d{4}-.+Z)/.exec(item) ?? [];
  return at ? new Date(at) : null;
}

/**
 * For whoever comes back from Stripe's portal or from adding a card: the same sync as the webhooks, so that the page is
 * not behind them.
 */
export async function refreshBilling(ctx: TenantCtx): Promise<{ refreshed: true }> {
  await settlePaymentMethods(ctx);
  await syncCustomer(ctx);
  return { refreshed: true };
}

async function checkoutOf(ctx: TenantCtx, sessionId: string): Promise<typeof checkouts.$inferSelect> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(checkouts)
      .where(and(eq(checkouts.tenantId, ctx.tenant.id), eq(checkouts.sessionId, sessionId))),
  );
  if (!row) throw new AppError("NOT_FOUND", "There is no such checkout.");
  return row;
}

function statusOf(checkout: typeof checkouts.$inferSelect): ReturnView["status"] {
  if (checkout.status !== "complete") return checkout.status;
  return checkout.completedAt ? "paid" : "processing";
}
