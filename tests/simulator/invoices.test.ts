import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Scene, stripeError } from "./support";

let scene: Scene;
let s: Stripe;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
  s = scene.stripe;
});
afterEach(() => scene.end());

async function draft(customer: string, amount = 1500): Promise<Stripe.Invoice> {
  const { id } = await s.invoices.create({ customer, currency: "usd", metadata: { tenant: "ten_1" } });
  await s.invoiceItems.create({ customer, invoice: id, amount, currency: "usd", description: "Setup help" });
  return s.invoices.retrieve(id);
}

describe("an invoice of its own", () => {
  test("is drafted, made final and paid", async () => {
    const { id: customer } = await scene.payer();
    const { id, status, total } = await draft(customer);
    expect([status, total]).toEqual(["draft", 1500]);
    const final = await s.invoices.finalizeInvoice(id);
    expect(final).toMatchObject({ status: "open", amount_due: 1500 });
    expect(await s.invoices.pay(id)).toMatchObject({ status: "paid", amount_paid: 1500 });
    expect(scene.eventTypes("invoice")).toEqual([
      "invoice.created",
      "invoiceitem.created",
      "invoice.finalized",
      "invoice_payment.paid",
      "invoice.updated",
      "invoice.paid",
      "invoice.payment_succeeded",
    ]);
    expect((await stripeError(s.invoices.finalizeInvoice(id))).statusCode).toBe(400);
  });

  test("takes the lines that wait, prices and discounts, and is paid at once if it goes on by itself", async () => {
    const { id: customer } = await scene.payer();
    const [price, coupon] = [await scene.price(1000, null), await s.coupons.create({ percent_off: 10 })];
    await s.invoiceItems.create({ customer, pricing: { price: price.id }, quantity: 3 });
    const invoice = await s.invoices.create({
      customer,
      pending_invoice_items_behavior: "include",
      discounts: [{ coupon: coupon.id }],
      auto_advance: true,
    });
    expect(await s.invoices.finalizeInvoice(invoice.id)).toMatchObject({
      status: "paid",
      subtotal: 3000,
      total: 2700,
    });
  });

  test("is changed while it is a draft only", async () => {
    const { id: customer } = await scene.payer();
    const { id, lines } = await draft(customer);
    const item = lines.data[0]!.parent!.invoice_item_details!.invoice_item;
    await s.invoiceItems.del(item);
    expect((await s.invoices.retrieve(id)).total).toBe(0);
    expect(await s.invoices.del(id)).toMatchObject({ deleted: true });
    const other = await draft(customer);
    await s.invoices.finalizeInvoice(other.id);
    const late = s.invoiceItems.create({ customer, invoice: other.id, amount: 1, currency: "usd" });
    expect((await stripeError(late)).code).toBe("invoice_not_editable");
    expect((await stripeError(s.invoices.del(other.id))).statusCode).toBe(400);
  });

  test("can be void, written off, or paid outside of Stripe", async () => {
    const { id: customer } = await scene.payer();
    const final = async () => (await s.invoices.finalizeInvoice((await draft(customer)).id)).id;
    expect((await s.invoices.voidInvoice(await final())).status).toBe("void");
    const written = await s.invoices.markUncollectible(await final());
    expect(written.status).toBe("uncollectible");
    expect((await s.invoices.pay(written.id, { paid_out_of_band: true })).status).toBe("paid");
    expect(scene.eventTypes("invoice.payment_succeeded")).toEqual([]);
    expect(scene.eventTypes("invoice.paid")).toHaveLength(1);
    expect((await s.charges.list()).data).toEqual([]);
  });

  test("opens as a page and as a document", async () => {
    const { id: customer } = await scene.payer();
    const invoice = await s.invoices.finalizeInvoice((await draft(customer)).id);
    expect(await scene.text(invoice.hosted_invoice_url!)).toContain("Setup help");
    const pdf = await fetch(invoice.invoice_pdf!);
    expect(pdf.headers.get("content-type")).toBe("application/pdf");
    const text = await pdf.text();
    expect(text.startsWith("%PDF-1.4")).toBe(true);
    expect(text).toContain("Setup help: $15.00");
  });
});

describe("credit notes", () => {
  const paid = async (customer: string) => (await s.invoices.pay((await draft(customer)).id)).id;

  test("give part of a paid invoice back as a refund, in full agreement with the charge", async () => {
    const { id: customer } = await scene.payer();
    const invoice = await paid(customer);
    const wanted = { invoice, amount: 500, refund_amount: 500, reason: "order_change" as const };
    expect((await s.creditNotes.preview(wanted)).total).toBe(500);
    const note = await s.creditNotes.create({ ...wanted, expand: ["refunds.refund"] });
    expect(note).toMatchObject({ type: "post_payment", amount: 500, status: "issued" });
    expect(note.refunds[0]?.refund).toMatchObject({ amount: 500, status: "succeeded" });
    expect((await s.charges.list()).data[0]).toMatchObject({ amount: 1500, amount_refunded: 500 });
    expect((await s.invoices.retrieve(invoice)).post_payment_credit_notes_amount).toBe(500);
    expect((await s.creditNotes.list({ invoice })).data).toHaveLength(1);
    expect(scene.eventTypes("credit_note")).toEqual(["credit_note.created"]);
    const more = s.creditNotes.create({ invoice, amount: 1001, refund_amount: 1001 });
    expect((await stripeError(more)).statusCode).toBe(400);
    expect((await stripeError(s.creditNotes.create({ invoice, amount: 100 }))).statusCode).toBe(400);
  });

  test("name a refund that was made before, or add to the balance", async () => {
    const { id: customer } = await scene.payer();
    const invoice = await paid(customer);
    const [charge] = (await s.charges.list()).data;
    const refund = await s.refunds.create({ charge: charge!.id, amount: 300 });
    await s.creditNotes.create({
      invoice,
      amount: 300,
      refunds: [{ refund: refund.id, amount_refunded: 300 }],
    });
    await s.creditNotes.create({ invoice, amount: 200, credit_amount: 200 });
    expect(await s.customers.retrieve(customer)).toMatchObject({ balance: -200 });
    expect((await s.charges.retrieve(charge!.id)).amount_refunded).toBe(300);
  });

  test("make less of an open invoice, until nothing is owed; a void one makes more of it again", async () => {
    const { id: customer } = await scene.payer();
    const invoice = await s.invoices.finalizeInvoice((await draft(customer)).id);
    const line = { type: "invoice_line_item" as const, invoice_line_item: invoice.lines.data[0]!.id };
    const note = await s.creditNotes.create({ invoice: invoice.id, lines: [{ ...line, amount: 600 }] });
    expect((await s.invoices.retrieve(invoice.id)).amount_due).toBe(900);
    await s.creditNotes.voidCreditNote(note.id);
    expect((await s.invoices.retrieve(invoice.id)).amount_due).toBe(1500);
    await s.creditNotes.create({ invoice: invoice.id, lines: [line] });
    expect(await s.invoices.retrieve(invoice.id)).toMatchObject({ status: "paid", amount_paid: 0 });
    await s.creditNotes.update(note.id, { memo: "Sorry" });
    expect((await s.creditNotes.retrieve(note.id)).memo).toBe("Sorry");
  });
});
