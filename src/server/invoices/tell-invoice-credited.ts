import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { tell } from "../events/service";
import { instantOf } from "../stripe/rules";
import { isOfOrder } from "./tell-invoice-paid";

/** What was credited longer ago has been told, or is news to nobody. What was told is remembered for longer than that. */
const NEWS_DAYS = 14;
const DAY_MS = 86_400_000;

/**
 * `billing.invoice_credited`, once for each credit note that holds, whoever wrote it and wherever, unless it refunds an order:
 * `order.refunded` says the same.
 */
export async function tellInvoiceCredited(
  ctx: TenantCtx & { tx: Tx },
  invoice: Stripe.Invoice,
  notes: readonly Stripe.CreditNote[],
): Promise<void> {
  for (const note of notes) {
    const isNews = ctx.now().getTime() - instantOf(note.created).getTime() < NEWS_DAYS * DAY_MS;
    const isToldOfOrder = note.refunds.length > 0 && isOfOrder(invoice);
    if (note.status !== "issued" || !isNews || isToldOfOrder) continue;
    await tell(ctx, {
      type: "billing.invoice_credited",
      fact: `billing.invoice_credited:${note.id}`,
      payload: {
        invoiceId: invoice.id,
        number: invoice.number,
        currency: note.currency,
        ...partsOf(note),
        url: note.pdf,
      },
    });
  }
}

/** Where a note's money went: its parts are the whole. */
function partsOf({
  amount,
  refunds,
  out_of_band_amount,
  post_payment_amount,
  pre_payment_amount,
}: Stripe.CreditNote) {
  const refunded = refunds.reduce((sum, { amount_refunded }) => sum + amount_refunded, 0);
  const outside = out_of_band_amount ?? 0;
  return {
    amountMinor: String(amount),
    refundedMinor: String(refunded),
    balanceMinor: String(Math.max(post_payment_amount - refunded - outside, 0)),
    unpaidMinor: String(pre_payment_amount),
  };
}
