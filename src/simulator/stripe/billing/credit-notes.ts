import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { invalidRequest } from "../errors";
import { listBody } from "../lists";
import type { World } from "../world";
import { settle } from "./collection";
import { paymentOf } from "./invoices";
import { prorateMinor } from "./money";
import { refundCharge } from "./refunding";

type Params = Stripe.CreditNoteCreateParams;
type Line = Stripe.CreditNoteLineItem;

function lineOf(world: World, fields: Partial<Line> & { amount: number }): Line {
  return world.build<Line>("CreditNoteLineItems:CreditNoteLineItem", {
    id: world.ids.next("cnli", 24),
    discount_amounts: [],
    metadata: {},
    pretax_credit_amounts: [],
    quantity: 1,
    tax_rates: [],
    taxes: [],
    ...fields,
  });
}

/** What the note credits: one amount, or lines of the invoice. */
function linesOf(world: World, invoice: Stripe.Invoice, params: Params): Line[] {
  if (!params.lines) {
    if (params.amount === undefined) throw invalidRequest("Give an amount or lines.", "amount");
    return [lineOf(world, { amount: params.amount, type: "custom_line_item", description: "Credit" })];
  }
  return params.lines.map((wanted, index) => {
    const name = `lines[${index}][invoice_line_item]`;
    const line = invoice.lines.data.find(({ id }) => id === wanted.invoice_line_item);
    if (!line) throw invalidRequest("No such line on the invoice.", name, "resource_missing");
    return lineOf(world, {
      amount: wanted.amount ?? line.amount,
      type: "invoice_line_item",
      invoice_line_item: line.id,
      description: line.description,
      quantity: wanted.quantity ?? line.quantity,
    });
  });
}

/** The notes of an invoice that hold, newest first. */
function notesOf(world: World, invoice: string): Stripe.CreditNote[] {
  return world.store
    .all("credit_note")
    .filter((note) => note.invoice === invoice && note.status === "issued");
}

/** How a note on a paid invoice gives the money back; together its parts are the whole. */
function assertParts(params: Params, amount: number): void {
  const linked = (params.refunds ?? []).reduce((sum, { amount_refunded = 0 }) => sum + amount_refunded, 0);
  const { refund_amount = 0, credit_amount = 0, out_of_band_amount = 0 } = params;
  if (refund_amount + credit_amount + out_of_band_amount + linked === amount) return;
  throw invalidRequest(
    `The sum of credit amount, refund amount and out of band amount must equal the credit note amount (${amount}).`,
  );
}

function draftOf(world: World, invoice: Stripe.Invoice, params: Params): Partial<Stripe.CreditNote> {
  if (!["open", "paid", "uncollectible"].includes(invoice.status ?? "")) {
    throw invalidRequest(`You cannot credit an invoice that is ${invoice.status}.`, "invoice");
  }
  const lines = linesOf(world, invoice, params);
  const amount = lines.reduce((sum, line) => sum + line.amount, 0);
  const isPaid = invoice.status === "paid";
  const credited = notesOf(world, invoice.id).reduce((sum, note) => sum + note.amount, 0);
  const left = isPaid ? invoice.total - credited : invoice.amount_remaining;
  if (!Number.isInteger(amount) || amount <= 0 || amount > left) {
    throw invalidRequest(`The amount must be positive and at most what is left (${left}).`, "amount");
  }
  if (isPaid) assertParts(params, amount);
  const taxMinor = invoice.total - (invoice.total_excluding_tax ?? invoice.total);
  const tax = prorateMinor(taxMinor, amount, invoice.total);
  return {
    amount,
    currency: invoice.currency,
    customer: invoice.customer as string,
    discount_amounts: [],
    effective_at: world.now(),
    invoice: invoice.id,
    memo: params.memo ?? null,
    metadata: mergeMetadata({}, params.metadata),
    number: `${invoice.number}-CN-${String(notesOf(world, invoice.id).length + 1).padStart(2, "0")}`,
    out_of_band_amount: params.out_of_band_amount ?? null,
    pdf: `${world.baseUrl}/i/${invoice.id}/pdf`,
    post_payment_amount: isPaid ? amount : 0,
    pre_payment_amount: isPaid ? 0 : amount,
    pretax_credit_amounts: [],
    reason: params.reason ?? null,
    refunds: [],
    status: "issued",
    subtotal: amount - tax,
    subtotal_excluding_tax: amount - tax,
    total: amount,
    total_excluding_tax: amount - tax,
    total_taxes: [],
    type: isPaid ? "post_payment" : "pre_payment",
    lines: listBody("/v1/credit_notes/lines", lines) as Stripe.CreditNote["lines"],
  };
}

/** What a note would be; nothing is kept. */
export function previewCreditNote(world: World, params: Params): Stripe.CreditNote {
  const draft = draftOf(world, world.get("invoice", params.invoice, "invoice"), params);
  return world.build<Stripe.CreditNote>("CreditNotes:CreditNote", { id: "", created: world.now(), ...draft });
}

function giveBack(world: World, invoice: Stripe.Invoice, note: Stripe.CreditNote, params: Params): void {
  const link = (refund: Stripe.Refund, amount: number) =>
    note.refunds.push({
      amount_refunded: amount,
      payment_record_refund: null,
      refund: refund.id,
      type: "refund",
    });
  for (const { refund, amount_refunded: amount } of params.refunds ?? []) {
    const known = world.get("refund", refund ?? "", "refunds[0][refund]");
    link(known, amount ?? known.amount);
  }
  if (params.refund_amount) {
    const intent = paymentOf(world, invoice.id)?.payment.payment_intent as string | undefined;
    const charge = intent ? (world.get("payment_intent", intent).latest_charge as string) : "";
    const refund = refundCharge(world, world.get("charge", charge, "invoice"), {
      amount: params.refund_amount,
    });
    link(refund, refund.amount);
  }
  if (!params.credit_amount) return;
  const credit = params.credit_amount;
  world.change(world.get("customer", invoice.customer as string), "customer.updated", (customer) => {
    customer.balance -= credit;
  });
}

/**
 * Credits part of an invoice: what is still owed becomes less, or what was paid goes back as a refund, to the
 * customer's balance, or outside of Stripe.
 * @throws StripeApiError 400 for more than is left, or parts that are not the whole.
 */
export function createCreditNote(world: World, params: Params): Stripe.CreditNote {
  const invoice = world.get("invoice", params.invoice, "invoice");
  const note = world.create("credit_note", draftOf(world, invoice, params));
  note.lines.url = `/v1/credit_notes/${note.id}/lines`;
  const isPaid = invoice.status === "paid";
  if (isPaid) giveBack(world, invoice, note, params);
  world.emit("credit_note.created", note);
  world.change(invoice, "invoice.updated", () => {
    if (isPaid) invoice.post_payment_credit_notes_amount += note.amount;
    else {
      invoice.pre_payment_credit_notes_amount += note.amount;
      invoice.amount_due -= note.amount;
      invoice.amount_remaining -= note.amount;
    }
  });
  if (!isPaid && invoice.amount_remaining === 0) settle(world, invoice, false);
  return note;
}

/** Takes a note on an open invoice back. */
export function voidCreditNote(world: World, note: Stripe.CreditNote): Stripe.CreditNote {
  const invoice = world.get("invoice", note.invoice as string);
  if (note.status !== "issued" || note.type !== "pre_payment" || invoice.status !== "open") {
    throw invalidRequest("Only a credit note on an open invoice can be voided.");
  }
  Object.assign(note, { status: "void", voided_at: world.now() });
  world.emit("credit_note.voided", note);
  world.change(invoice, "invoice.updated", () => {
    invoice.pre_payment_credit_notes_amount -= note.amount;
    invoice.amount_due += note.amount;
    invoice.amount_remaining += note.amount;
  });
  return note;
}
