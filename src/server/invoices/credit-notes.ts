import type Stripe from "stripe";
import type { Money } from "@/lib/money";
import type { Ctx } from "../context";
import { instantOf } from "../stripe/rules";

/** What was taken off an invoice after it was final. */
export interface CreditNoteView {
  /** `cn_…` */
  id: string;
  number: string;
  amount: Money;
  /** What it says to its reader, or Stripe's word for why: `order_change`. */
  reason: string | null;
  createdAt: Date;
  pdfUrl: string;
}

const MAX_NOTES = 100;

/** The credit notes of an invoice that hold, newest first. @throws StripeError */
export async function creditNotesOf(ctx: Ctx, invoice: string): Promise<CreditNoteView[]> {
  const notes = await listCreditNotes(ctx, invoice);
  return notes.filter(({ status }) => status === "issued").map(viewOf);
}

/** As Stripe has them, voided ones too. @throws StripeError */
export async function listCreditNotes(ctx: Ctx, invoice: string): Promise<Stripe.CreditNote[]> {
  return (await ctx.stripe.creditNotes.list({ invoice, limit: MAX_NOTES })).data;
}

function viewOf({
  id,
  number,
  amount,
  currency,
  memo,
  reason,
  created,
  pdf,
}: Stripe.CreditNote): CreditNoteView {
  return {
    id,
    number,
    amount: { amountMinor: BigInt(amount), currency },
    reason: memo ?? reason,
    createdAt: instantOf(created),
    pdfUrl: pdf,
  };
}
