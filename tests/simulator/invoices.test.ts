import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isoDay, Scene, stripeError } from "./support";

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

describe("an invoice that is sent", () => {
  test("is due on its day and charged by nobody; on its page it is paid", async () => {
    const { id: customer } = await scene.payer();
    const wish = { customer, currency: "usd", collection_method: "send_invoice" } as const;
    const { id } = await s.invoices.create({ ...wish, days_until_due: 14, auto_advance: true });
    await s.invoiceItems.create({ customer, invoice: id, amount: 700, currency: "usd" });
    const final = await s.invoices.finalizeInvoice(id);
    expect(final).toMatchObject({ status: "open", amount_due: 700, collection_method: "send_invoice" });
    expect(isoDay(final.due_date!)).toBe("2027-02-14");
    await s.invoices.sendInvoice(id);
    expect(scene.eventTypes("invoice.sent")).toHaveLength(1);
    await scene.submit(final.hosted_invoice_url!, { card: "success" });
    expect((await s.invoices.retrieve(id)).status).toBe("paid");
    expect((await stripeError(s.invoices.create(wish))).param).toBe("due_date");
    expect((await stripeError(s.invoices.create({ customer, days_until_due: 1 }))).param).toBe("due_date");
    expect((await stripeError(s.invoices.sendInvoice(id))).statusCode).toBe(400);
  });
});

describe("whom an invoice is for", () => {
  test("is the customer as it was when the invoice became final, tax ids too", async () => {
    const { id: customer } = await scene.payer();
    const { id } = await draft(customer);
    await s.customers.update(customer, { name: "Ada Ltd", address: { line1: "1 Lane", country: "GB" } });
    const taxId = await s.customers.createTaxId(customer, { type: "eu_vat", value: "de 123456789" });
    expect(taxId).toMatchObject({
      value: "DE123456789",
      country: "DE",
      verification: { status: "verified" },
    });
    const final = await s.invoices.finalizeInvoice(id);
    await s.customers.deleteTaxId(customer, taxId.id);
    await s.customers.update(customer, { name: "Somebody else", address: "" });
    expect(await s.invoices.retrieve(id)).toMatchObject({
      customer_name: "Ada Ltd",
      customer_address: { line1: "1 Lane", city: null, country: "GB" },
      customer_tax_ids: [{ type: "eu_vat", value: "DE123456789" }],
    });
    const text = await (await fetch(final.invoice_pdf!)).text();
    expect(text).toContain("eu_vat: DE123456789");
    expect(scene.eventTypes("customer.tax_id")).toEqual([
      "customer.tax_id.created",
      "customer.tax_id.deleted",
    ]);
  });

  test("what is no tax id, no address and no mailbox is refused by name; another customer's tax id does not exist", async () => {
    const [ada, bo] = [await scene.customer(), await scene.customer()];
    const wrong = s.customers.createTaxId(ada.id, { type: "eu_vat", value: "DE12" });
    expect(await stripeError(wrong)).toMatchObject({ code: "tax_id_invalid", param: "value" });
    const country = s.customers.update(ada.id, { address: { country: "Germany" } });
    expect((await stripeError(country)).param).toBe("address[country]");
    expect((await stripeError(s.customers.update(ada.id, { email: "ada" }))).code).toBe("email_invalid");
    const pending = await s.customers.createTaxId(ada.id, { type: "eu_vat", value: "222222222" });
    expect(pending.verification?.status).toBe("pending");
    expect((await stripeError(s.customers.deleteTaxId(bo.id, pending.id))).statusCode).toBe(404);
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
