import { and, eq, isNotNull, isNull } from "drizzle-orm";
import Stripe from "stripe";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { closeSession } from "../orders/session";
import { checkouts } from "../orders/tables";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { type Dunning, mustPayFirst, openDunnings } from "../subscriptions/dunning";
import { isOver } from "../subscriptions/dunning-rules";
import { dunnings } from "../subscriptions/dunning-tables";
import { releaseSchedule } from "../subscriptions/schedule-change";

const MAX_INVOICES = 100;

/**
 * Carries out at Stripe what our rows say of unpaid subscriptions: pages where more could be bought are closed, and what
 * was not paid in time ends. Each step sets a state, so whoever comes after a crash goes on where it was.
 * @returns whether there was anything to do
 * @throws AppError PAYMENT_PROVIDER
 */
export async function endOverdue(ctx: TenantCtx): Promise<boolean> {
  const open = await openDunnings(ctx);
  if (open.length === 0) return false;
  try {
    const closed = await closePurchases(ctx);
    const ending = open.filter(({ endingAt }) => endingAt !== null);
    for (const row of ending) await end(ctx, row);
    return closed || ending.length > 0;
  } catch (error) {
    throw asProviderError(error);
  }
}

/** A page that was opened in the days of grace sells nothing after them. */
async function closePurchases(ctx: TenantCtx): Promise<boolean> {
  if (!(await mustPayFirst(ctx))) return false;
  const ofTenant = eq(checkouts.tenantId, ctx.tenant.id);
  const pages = await inTenant(ctx, (tx) =>
    tx
      .select({ sessionId: checkouts.sessionId })
      .from(checkouts)
      .where(and(ofTenant, eq(checkouts.status, "open"), isNotNull(checkouts.sessionId))),
  );
  for (const { sessionId } of pages) if (sessionId) await closeSession(ctx, sessionId);
  return pages.length > 0;
}

/**
 * What is unpaid is voided before the subscription ends: whoever pays in this very moment comes before it or is refused by
 * Stripe, and nobody pays for a plan that is over.
 */
async function end(ctx: TenantCtx, row: Dunning): Promise<void> {
  // Paid: the look that follows sees it, and everything is as it was.
  if (!(await isVoid(ctx, row.invoiceId))) return;
  const page = { subscription: row.subscriptionId, status: "open" as const, limit: MAX_INVOICES };
  const others = await ctx.stripe.invoices.list(page);
  for (const { id } of others.data) await isVoid(ctx, id);
  await cancel(ctx, row.subscriptionId);
  await inTenant(ctx, async (tx, inner) => {
    const closed = await tx
      .update(dunnings)
      .set({ closedAt: ctx.now(), outcome: "ended", dueAt: null })
      .where(
        and(
          eq(dunnings.tenantId, ctx.tenant.id),
          eq(dunnings.invoiceId, row.invoiceId),
          isNull(dunnings.closedAt),
        ),
      )
      .returning();
    if (closed.length === 0) return;
    const details = { invoice: row.invoiceId };
    await audit(inner, { action: "subscription.ended_unpaid", subject: row.subscriptionId, details });
  });
}

/** Voids an invoice. @returns false when it was paid instead */
async function isVoid(ctx: TenantCtx, invoiceId: string): Promise<boolean> {
  try {
    await ctx.stripe.invoices.voidInvoice(invoiceId);
    return true;
  } catch (error) {
    if (isMissingAtStripe(error)) return true;
    if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
    const { status } = await ctx.stripe.invoices.retrieve(invoiceId);
    if (status !== "paid" && status !== "void") throw error;
    return status === "void";
  }
}

async function cancel(ctx: TenantCtx, subscriptionId: string): Promise<void> {
  try {
    const subscription = await ctx.stripe.subscriptions.retrieve(subscriptionId);
    if (isOver(subscription.status)) return;
    await releaseSchedule(ctx, subscription);
    await ctx.stripe.subscriptions.cancel(subscriptionId, { cancellation_details: { comment: "Unpaid." } });
  } catch (error) {
    if (!isMissingAtStripe(error)) throw error;
  }
}
