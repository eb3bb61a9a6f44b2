import type Stripe from "stripe";
import type { Order } from "../orders/place-order";
import { idOf } from "../stripe/rules";
import type { Drift } from "../sync/note-drift";

const NOTHING = "nothing";

interface OurInvoice {
  invoiceId: string;
  status: string | null;
  totalMinor: bigint | null;
  dueMinor: bigint | null;
  creditedMinor: bigint | null;
}

const inWords = (status: string, total: unknown, due: unknown, credited: unknown) =>
  `${status}, ${due} of ${total} due, ${credited} credited`;

/** Final invoices that we never saw, or saw otherwise. @param theirs all of some time, drafts too */
export function invoiceDrift(
  ours: readonly OurInvoice[],
  theirs: readonly { id: string; status: string | null; total: number; due: number; credited: bigint }[],
): Drift[] {
  const rows = new Map(ours.map((row) => [row.invoiceId, row]));
  return theirs
    .filter(({ status }) => status !== null && status !== "draft")
    .map(({ id, status, total, due, credited }) => {
      const row = rows.get(id);
      const isSeen = row?.status && row.status !== "draft";
      return {
        kind: "invoice" as const,
        subject: id,
        ours: isSeen ? inWords(row.status ?? "", row.totalMinor, row.dueMinor, row.creditedMinor) : NOTHING,
        theirs: inWords(status ?? "", total, due, credited),
      };
    })
    .filter((one) => one.ours !== one.theirs);
}

type PaidOrder = Pick<Order, "id" | "paymentId" | "paidAt" | "totalMinor">;

/**
 * Orders that say they were paid by something that holds no money, and money that came for nothing we know of.
 * @param since what is older than the charges that were listed is not asked about
 * @param ofInvoices payments (pi_…) of invoices
 */
export function paymentDrift(
  orders: readonly PaidOrder[],
  ofInvoices: ReadonlySet<string | null>,
  charges: readonly Stripe.Charge[],
  since: Date,
): Drift[] {
  const came = charges.filter(({ paid, status }) => paid && status === "succeeded");
  const byPayment = new Map(came.map((charge) => [idOf(charge.payment_intent), charge]));
  const unpaid = orders
    .filter(({ paidAt, totalMinor }) => paidAt !== null && paidAt > since && totalMinor > 0n)
    .filter(({ paymentId, totalMinor }) => BigInt(byPayment.get(paymentId)?.amount ?? 0) < totalMinor)
    .map(({ id, paymentId, totalMinor }) => ({
      kind: "payment" as const,
      subject: id,
      ours: `${totalMinor} paid by ${paymentId}`,
      theirs: `${byPayment.get(paymentId)?.amount ?? NOTHING}`,
    }));
  const known = new Set(orders.map(({ paymentId }) => paymentId));
  const unknown = came
    .filter(({ amount, amount_refunded }) => amount_refunded < amount)
    .flatMap((charge) => {
      const payment = idOf(charge.payment_intent) ?? charge.id;
      if (known.has(payment) || ofInvoices.has(payment)) return [];
      const theirs = `${charge.amount} ${charge.currency} paid`;
      return [{ kind: "payment" as const, subject: payment, ours: NOTHING, theirs }];
    });
  return [...unpaid, ...unknown];
}

interface OurCredit {
  id: string;
  status: string;
  creditNoteId: string | null;
  /** null: what is to follow it did not happen yet. */
  finishedAt: Date | null;
}

/** Credits that an operator wished for and that are not there, or that are and we don't know it. */
export function creditDrift(ours: readonly OurCredit[], theirs: readonly Stripe.CreditNote[]): Drift[] {
  return ours.flatMap(({ id, status, creditNoteId, finishedAt }) => {
    const note = theirs.find((one) => one.id === creditNoteId || one.metadata?.creditId === id);
    const found = note?.status ?? NOTHING;
    if (status === found && finishedAt !== null) return [];
    return [{ kind: "credit_note" as const, subject: id, ours: status, theirs: found }];
  });
}
