import { and, eq } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { tell } from "../events/service";
import { instantOf } from "../stripe/rules";
import { addOnInvoices } from "./tables";

const WORDS = ["open", "paid", "void", "uncollectible"] as const;

/** What became of an invoice beside the plan, in the caller's transaction; who has to pay it is told once. */
export async function followAddOn(ctx: TenantCtx & { tx: Tx }, invoice: Stripe.Invoice): Promise<void> {
  const status = WORDS.find((word) => word === invoice.status);
  if (!status) return;
  const dueAt = invoice.due_date ? instantOf(invoice.due_date) : null;
  const isOver = status === "paid" || status === "void";
  const [row] = await ctx.tx
    .update(addOnInvoices)
    .set({ status, totalMinor: BigInt(invoice.total), dueAt, finishedAt: isOver ? ctx.now() : null })
    .where(and(eq(addOnInvoices.tenantId, ctx.tenant.id), eq(addOnInvoices.invoiceId, invoice.id)))
    .returning();
  if (!row || status !== "open" || row.voidAskedAt || invoice.amount_remaining === 0) return;
  await tell(ctx, {
    type: "billing.invoice_due",
    fact: `billing.invoice_due:${invoice.id}`,
    payload: {
      invoiceId: invoice.id,
      number: invoice.number,
      totalMinor: String(invoice.amount_remaining),
      currency: invoice.currency,
      dueAt: dueAt?.toISOString() ?? null,
      payUrl: invoice.hosted_invoice_url ?? null,
    },
  });
}
