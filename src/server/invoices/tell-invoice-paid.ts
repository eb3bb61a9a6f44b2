import { and, eq } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { tell } from "../events/service";
import { outbox } from "../events/tables";
import { instantOf } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";

/** What was paid longer ago has been told, or is news to nobody. What was told is remembered for longer than that. */
const NEWS_DAYS = 14;
const DAY_MS = 86_400_000;

const factOf = (invoiceId: string) => `billing.invoice_paid:${invoiceId}`;

/** `billing.invoice_paid`, once for each invoice that was paid with money, unless an order's receipt says the same. */
export async function tellInvoicePaid(ctx: TenantCtx & { tx: Tx }, invoice: Stripe.Invoice): Promise<void> {
  if (!isNews(invoice, ctx.now()) || isOfOrder(invoice)) return;
  await tell(ctx, {
    type: "billing.invoice_paid",
    fact: factOf(invoice.id),
    payload: {
      invoiceId: invoice.id,
      number: invoice.number,
      totalMinor: String(invoice.amount_paid),
      currency: invoice.currency,
      url: invoice.hosted_invoice_url ?? null,
    },
  });
}

/**
 * Looks at one invoice that somebody said was paid, and tells of it: for those that are no subscription's latest.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function lookAtPaidInvoice(ctx: TenantCtx, invoiceId: string): Promise<void> {
  if (await wasTold(ctx, invoiceId)) return;
  try {
    const invoice = await ctx.stripe.invoices.retrieve(invoiceId);
    await inTenant(ctx, (_tx, inner) => tellInvoicePaid(inner, invoice));
  } catch (error) {
    if (!isMissingAtStripe(error)) throw asProviderError(error);
  }
}

/** What subscriptions' latest invoices say. @param subscriptions with `latest_invoice` expanded */
export async function tellLatestPaid(
  ctx: TenantCtx & { tx: Tx },
  subscriptions: readonly Stripe.Subscription[],
): Promise<void> {
  for (const { latest_invoice: latest } of subscriptions)
    if (latest && typeof latest !== "string") await tellInvoicePaid(ctx, latest);
}

function isNews({ status, amount_paid, status_transitions }: Stripe.Invoice, now: Date): boolean {
  const paidAt = status_transitions.paid_at;
  if (status !== "paid" || amount_paid <= 0 || paidAt === null) return false;
  return now.getTime() - instantOf(paidAt).getTime() < NEWS_DAYS * DAY_MS;
}

/** The first invoice of a subscription that something else was bought with: that is an order, with a receipt of its own. */
export const isOfOrder = ({ billing_reason, lines }: Stripe.Invoice) =>
  billing_reason === "subscription_create" &&
  lines.data.some(({ parent }) => parent?.type !== "subscription_item_details");

async function wasTold(ctx: TenantCtx, invoiceId: string): Promise<boolean> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ id: outbox.id })
      .from(outbox)
      .where(and(eq(outbox.tenantId, ctx.tenant.id), eq(outbox.fact, factOf(invoiceId)))),
  );
  return rows.length > 0;
}
