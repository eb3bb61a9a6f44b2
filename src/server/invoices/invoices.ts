import type Stripe from "stripe";
import type { Money } from "@/lib/money";
import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { knownCustomer } from "../stripe/customer";
import { idOf, instantOf } from "../stripe/rules";
import { asProviderError, isMissingAtStripe } from "../stripe/stripe-client";
import { type CreditNoteView, creditNotesOf } from "./credit-notes";
import { type InvoiceInput, type InvoicesInput, invoiceInput, invoicesInput } from "./inputs";

export interface InvoiceView {
  /** `in_…` */
  id: string;
  /** null while it is a draft. */
  number: string | null;
  /** Stripe's word: `paid`, `open`, `void`, `uncollectible` or `draft`. */
  status: string;
  total: Money;
  /** What is still to be paid. */
  due: Money;
  /** Taken off by credit notes, and by which, newest first. */
  credited: Money;
  creditNotes: CreditNoteView[];
  createdAt: Date;
  /** Until when it is to be paid by hand; null: a card is charged. */
  dueAt: Date | null;
  /** What it says first: "1 × Pro (at $15.00 / month)". */
  title: string;
  /** Stripe's page of it, where an open one is paid, and the file. */
  hostedUrl: string | null;
  pdfUrl: string | null;
}

export interface InvoiceDetail extends InvoiceView {
  lines: { description: string; amount: Money; periodStartsAt: Date; periodEndsAt: Date }[];
  subtotal: Money;
  tax: Money;
  discount: Money;
  /** What of its payments went back, newest first. */
  refunds: { id: string; amount: Money; status: string; createdAt: Date }[];
}

/** Payments of one invoice are few; more than these would be a mistake. */
const MAX_PAYMENTS = 10;

/**
 * The workspace's invoices as Stripe keeps them, newest first; drafts are not shown. `next` is the cursor of the page
 * after this one.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function listInvoices(
  ctx: TenantCtx,
  input?: InvoicesInput,
): Promise<{ invoices: InvoiceView[]; next: string | null }> {
  const { cursor, limit } = parseInput(invoicesInput, input);
  const customer = await knownCustomer(ctx);
  if (!customer) return { invoices: [], next: null };
  try {
    const page = { customer, limit, ...(cursor ? { starting_after: cursor } : {}) };
    const { data, has_more } = await ctx.stripe.invoices.list(page);
    const next = has_more ? (data.at(-1)?.id ?? null) : null;
    const final = data.filter(({ status }) => status !== "draft");
    return { invoices: await Promise.all(final.map((invoice) => viewOf(ctx, invoice))), next };
  } catch (error) {
    if (isMissingAtStripe(error, "customer")) return { invoices: [], next: null };
    if (isMissingAtStripe(error)) throw noSuchInvoice();
    throw asProviderError(error);
  }
}

/** One invoice with its lines and what went back. @throws AppError NOT_FOUND for another workspace's, PAYMENT_PROVIDER */
export async function invoiceOf(ctx: TenantCtx, input: InvoiceInput): Promise<InvoiceDetail> {
  const { invoiceId } = parseInput(invoiceInput, input);
  const customer = await knownCustomer(ctx);
  try {
    const invoice = await ctx.stripe.invoices.retrieve(invoiceId);
    if (!customer || idOf(invoice.customer) !== customer) throw noSuchInvoice();
    const [view, detail] = await Promise.all([viewOf(ctx, invoice), detailOf(ctx, invoice)]);
    return { ...view, ...detail };
  } catch (error) {
    if (isMissingAtStripe(error)) throw noSuchInvoice();
    throw asProviderError(error);
  }
}

const noSuchInvoice = () => new AppError("NOT_FOUND", "There is no such invoice.");
const moneyOf = (amount: number, currency: string): Money => ({ amountMinor: BigInt(amount), currency });

/** Credit notes are asked for only where there are any. */
async function viewOf(ctx: TenantCtx, invoice: Stripe.Invoice): Promise<InvoiceView> {
  const { id, number, status, total, amount_remaining, currency, created, lines } = invoice;
  const credited = invoice.post_payment_credit_notes_amount + invoice.pre_payment_credit_notes_amount;
  return {
    id,
    number,
    status: status ?? "draft",
    total: moneyOf(total, currency),
    due: moneyOf(status === "open" ? amount_remaining : 0, currency),
    credited: moneyOf(credited, currency),
    creditNotes: credited > 0 ? await creditNotesOf(ctx, id) : [],
    createdAt: instantOf(created),
    dueAt: invoice.due_date ? instantOf(invoice.due_date) : null,
    title: lines.data.find(({ amount }) => amount >= 0)?.description ?? invoice.description ?? "Invoice",
    hostedUrl: invoice.hosted_invoice_url ?? null,
    pdfUrl: invoice.invoice_pdf ?? null,
  };
}

async function detailOf(
  ctx: TenantCtx,
  invoice: Stripe.Invoice,
): Promise<Omit<InvoiceDetail, keyof InvoiceView>> {
  const { currency, lines, subtotal, total_taxes, total_discount_amounts } = invoice;
  const sum = (parts: readonly { amount: number }[] | null) =>
    (parts ?? []).reduce((total, { amount }) => total + amount, 0);
  return {
    lines: lines.data.map(({ description, amount, period }) => ({
      description: description ?? "",
      amount: moneyOf(amount, currency),
      periodStartsAt: instantOf(period.start),
      periodEndsAt: instantOf(period.end),
    })),
    subtotal: moneyOf(subtotal, currency),
    tax: moneyOf(sum(total_taxes), currency),
    discount: moneyOf(sum(total_discount_amounts), currency),
    refunds: await refundsOf(ctx, invoice.id),
  };
}

async function refundsOf(ctx: TenantCtx, invoice: string): Promise<InvoiceDetail["refunds"]> {
  const { data } = await ctx.stripe.invoicePayments.list({ invoice, limit: MAX_PAYMENTS });
  const intents = data.flatMap(({ payment }) => idOf(payment.payment_intent) ?? []);
  const pages = await Promise.all(
    intents.map((payment_intent) => ctx.stripe.refunds.list({ payment_intent, limit: 100 })),
  );
  return pages.flatMap((page) =>
    page.data.map(({ id, amount, currency, status, created }) => ({
      id,
      amount: moneyOf(amount, currency),
      status: status ?? "pending",
      createdAt: instantOf(created),
    })),
  );
}
