import { and, eq, gt, inArray } from "drizzle-orm";
import type Stripe from "stripe";
import { type AddOnRow, resumeAddOns, unfinishedAddOns } from "../back-office/add-on-invoice";
import { resumeCredits } from "../back-office/credit-invoice";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { creditedOf, noteInvoice } from "../invoices/note-invoice";
import { invoiceCredits, invoices } from "../invoices/tables";
import type { Order } from "../orders/place-order";
import { idOf } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import type { Drift } from "../sync/note-drift";
import { resumeTopUp } from "../top-ups/top-up";
import { creditDrift, invoiceDrift, paymentDrift } from "./document-drift-rules";

const MAX_INVOICES = 200;
const MAX_NOTES = 1_000;

interface Listed {
  orders: readonly Order[];
  /** All since then, as long as there are not more than anybody lists. */
  charges: readonly Stripe.Charge[];
  since: Date;
}

/** Where invoices, payments and credit notes say something else at Stripe. Reads only. @throws AppError PAYMENT_PROVIDER */
export async function compareDocuments(ctx: TenantCtx, customer: string, listed: Listed): Promise<Drift[]> {
  const ours = await inTenant(ctx, (tx) =>
    tx.select().from(invoices).where(eq(invoices.tenantId, ctx.tenant.id)),
  );
  const theirs = await invoicesSince(ctx, customer, listed.since);
  // One line for each thing: money of an invoice that we never saw is that invoice's.
  const paidBy = new Set([
    ...ours.map(({ paymentId }) => paymentId),
    ...theirs.flatMap(({ payments }) => payments),
  ]);
  return [
    ...invoiceDrift(ours, theirs),
    ...paymentDrift(listed.orders, paidBy, listed.charges, listed.since),
    ...(await compareCredits(ctx, customer, listed.since)),
    ...(await unfinishedAddOns(ctx)).map(unfinished),
  ];
}

/** Has the next sync look again at what differs, and takes further what died on its way. @throws AppError PAYMENT_PROVIDER, BUSY */
export async function healDocuments(ctx: TenantCtx, found: readonly Drift[]): Promise<void> {
  const invoicesFound = found.filter(({ kind }) => kind === "invoice").map(({ subject }) => subject);
  for (const id of invoicesFound) if (id.startsWith("in_")) await noteInvoice(ctx, id);
  if (invoicesFound.some((id) => id.startsWith("inv_"))) await resumeAddOns(ctx);
  if (found.some(({ kind }) => kind === "credit_note")) await resumeCredits(ctx);
  if (found.some(({ kind }) => kind === "payment")) await resumeTopUp(ctx);
}

/** An invoice beside the plan whose process died on its way. */
function unfinished({ id, status, voidAskedAt }: AddOnRow): Drift {
  const [ours, theirs] = voidAskedAt ? ["void", status] : ["final", "not final"];
  return { kind: "invoice", subject: id, ours, theirs };
}

async function invoicesSince(ctx: TenantCtx, customer: string, since: Date) {
  const gte = Math.floor(since.getTime() / 1_000);
  const list = await allOf(() =>
    ctx.stripe.invoices
      .list({ customer, created: { gte }, limit: 100, expand: ["data.payments"] })
      .autoPagingToArray({ limit: MAX_INVOICES }),
  );
  return list.map((invoice) => ({
    id: invoice.id,
    status: invoice.status,
    total: invoice.total,
    due: invoice.amount_remaining,
    credited: creditedOf(invoice),
    payments: (invoice.payments?.data ?? []).map(({ payment }) => idOf(payment.payment_intent)),
  }));
}

/** Stripe is asked only where an operator ever credited something. */
async function compareCredits(ctx: TenantCtx, customer: string, since: Date): Promise<Drift[]> {
  const ours = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(invoiceCredits)
      .where(
        and(
          eq(invoiceCredits.tenantId, ctx.tenant.id),
          gt(invoiceCredits.createdAt, since),
          inArray(invoiceCredits.status, ["asked", "issued"]),
        ),
      ),
  );
  if (ours.length === 0) return [];
  const theirs = await allOf(() =>
    ctx.stripe.creditNotes.list({ customer, limit: 100 }).autoPagingToArray({ limit: MAX_NOTES }),
  );
  return creditDrift(ours, theirs);
}

/** Of a customer who is gone there is nothing. */
async function allOf<T>(list: () => Promise<T[]>): Promise<T[]> {
  try {
    return await list();
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw asProviderError(error);
  }
}
