import { and, asc, eq, gt, sql } from "drizzle-orm";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { knownCustomer } from "../stripe/customer";
import { idOf, instantOf } from "../stripe/rules";
import { isMissingAtStripe } from "../stripe/stripe-client";
import { listCreditNotes } from "./credit-notes";
import { followAddOn } from "./follow-add-on";
import { invoices } from "./tables";
import { tellInvoiceCredited } from "./tell-invoice-credited";

/** Each costs a question; the rest waits for the next sync. */
const MAX_INVOICES = 20;

/** An invoice that an event named, as it stands at Stripe. */
export interface InvoiceLook {
  invoiceId: string;
  /** The last wish that this look covers. */
  asked: number;
  /** With its payments; null: none of this workspace's. */
  invoice: Stripe.Invoice | null;
  /** Asked for when more or less was credited than we knew. */
  creditNotes: Stripe.CreditNote[];
}

/** Something happened to an invoice: the next sync looks at Stripe what it is. */
export async function noteInvoice(ctx: TenantCtx, invoiceId: string): Promise<void> {
  await inTenant(ctx, (tx) =>
    tx
      .insert(invoices)
      .values({ tenantId: ctx.tenant.id, invoiceId, asked: 1, seen: 0 })
      .onConflictDoUpdate({
        target: [invoices.tenantId, invoices.invoiceId],
        set: { asked: sql`${invoices.asked} + 1` },
      }),
  );
}

/** Looks at the invoices that were noted since they were last seen. Asks Stripe nothing while there are none. */
export async function fetchInvoices(ctx: TenantCtx): Promise<InvoiceLook[]> {
  const { invoiceId, asked, seen, creditedMinor } = invoices;
  const due = await inTenant(ctx, (tx) =>
    tx
      .select({ invoiceId, asked, creditedMinor })
      .from(invoices)
      .where(and(eq(invoices.tenantId, ctx.tenant.id), gt(asked, seen)))
      .orderBy(asc(invoiceId))
      .limit(MAX_INVOICES),
  );
  if (due.length === 0) return [];
  const customer = await knownCustomer(ctx);
  return Promise.all(
    due.map(async ({ creditedMinor: known, ...one }) => {
      const invoice = await ownInvoice(ctx, one.invoiceId, customer);
      const isNews = invoice !== null && creditedOf(invoice) !== (known ?? 0n);
      return { ...one, invoice, creditNotes: isNews ? await listCreditNotes(ctx, invoice.id) : [] };
    }),
  );
}

async function ownInvoice(
  ctx: TenantCtx,
  id: string,
  customer: string | null,
): Promise<Stripe.Invoice | null> {
  try {
    const invoice = await ctx.stripe.invoices.retrieve(id, { expand: ["payments"] });
    return idOf(invoice.customer) === customer ? invoice : null;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}

/** Writes what was seen, in the caller's transaction. */
export async function copyInvoices(
  ctx: TenantCtx & { tx: Tx },
  looks: readonly InvoiceLook[],
): Promise<void> {
  for (const { invoiceId, asked, invoice, creditNotes } of looks) {
    const seen = { ...(invoice ? copyOf(invoice) : { status: "deleted" }), seen: asked, syncedAt: ctx.now() };
    await ctx.tx
      .update(invoices)
      .set(seen)
      .where(and(eq(invoices.tenantId, ctx.tenant.id), eq(invoices.invoiceId, invoiceId)));
    if (!invoice) continue;
    await followAddOn(ctx, invoice);
    await tellInvoiceCredited(ctx, invoice, creditNotes);
  }
}

function copyOf(invoice: Stripe.Invoice) {
  const { status, currency, total, amount_remaining, created, status_transitions, parent, payments } =
    invoice;
  const paid = payments?.data.find((payment) => payment.status === "paid");
  const paidAt = status_transitions.paid_at;
  return {
    status: status ?? "draft",
    subscriptionId: idOf(parent?.subscription_details?.subscription),
    paymentId: idOf(paid?.payment.payment_intent),
    currency,
    totalMinor: BigInt(total),
    dueMinor: BigInt(amount_remaining),
    creditedMinor: creditedOf(invoice),
    createdAt: instantOf(created),
    paidAt: paidAt ? instantOf(paidAt) : null,
  };
}

/** What credit notes have taken off, paid or not. */
export function creditedOf(invoice: Stripe.Invoice): bigint {
  return BigInt(invoice.post_payment_credit_notes_amount + invoice.pre_payment_credit_notes_amount);
}
