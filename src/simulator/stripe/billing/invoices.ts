import type Stripe from "stripe";
import type { World } from "../world";
import { defaultMethodOf } from "./cards";
import { billedTo, type InvoiceDraft, invoiceFields, sumOf } from "./invoice-draft";
import { attemptPayment, type PaymentOutcome } from "./payments";

// A credit later is a part of what was debited, after discounts, not of what the price says by then.
function noteDebits(world: World, { id }: Stripe.Subscription, invoice: Stripe.Invoice): void {
  const hidden = world.store.hidden("subscription", id);
  for (const { parent, amount, discount_amounts, period } of invoice.lines.data) {
    const details = parent?.subscription_item_details;
    if (!details || details.proration) continue;
    const net = amount - sumOf(discount_amounts ?? []);
    hidden.debited = { ...hidden.debited, [details.subscription_item]: { amount: net, ...period } };
  }
}

/** Creates an invoice and finalizes it at once; a customer's balance is used up or added to. */
export function issueInvoice(world: World, draft: InvoiceDraft): Stripe.Invoice {
  const invoice = world.create("invoice", invoiceFields(world, world.ids.next("in", 24), draft));
  for (const line of draft.lines) {
    if (line.invoiceItem) world.get("invoiceitem", line.invoiceItem).invoice = invoice.id;
  }
  if (draft.subscription) noteDebits(world, draft.subscription, invoice);
  world.emit("invoice.created", invoice);
  return finalizeInvoice(world, invoice);
}

/** Makes a draft final. */
export function finalizeInvoice(world: World, invoice: Stripe.Invoice): Stripe.Invoice {
  const customer = world.get("customer", invoice.customer as string);
  const sequence = customer.next_invoice_sequence ?? 1;
  const endingBalance = customer.balance + invoice.total - invoice.amount_due;
  Object.assign(invoice, {
    ...billedTo(world, customer),
    status: "open",
    effective_at: world.now(),
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, "0")}`,
    ending_balance: endingBalance,
    hosted_invoice_url: `${world.baseUrl}/i/${invoice.id}`,
    invoice_pdf: `${world.baseUrl}/i/${invoice.id}/pdf`,
  });
  invoice.status_transitions.finalized_at = world.now();
  world.emit("invoice.finalized", invoice);
  customer.next_invoice_sequence = sequence + 1;
  if (endingBalance !== customer.balance) {
    world.change(customer, "customer.updated", () => {
      customer.balance = endingBalance;
    });
  }
  return invoice;
}

/** The payment that an invoice's attempts share, if there was an attempt. */
export function paymentOf(world: World, invoice: string): Stripe.InvoicePayment | undefined {
  return world.store.all("invoice_payment").find((payment) => payment.invoice === invoice);
}

/** Marks an open invoice as paid and announces it. */
export function markPaid(world: World, invoice: Stripe.Invoice, announcesPayment = true): void {
  const payment = paymentOf(world, invoice.id);
  if (payment && payment.status !== "paid") {
    Object.assign(payment, { status: "paid", amount_paid: payment.amount_requested });
    payment.status_transitions.paid_at = world.now();
    world.emit("invoice_payment.paid", payment);
  }
  world.change(invoice, "invoice.updated", () => {
    invoice.status = "paid";
    invoice.attempted = true;
    invoice.amount_paid = invoice.amount_due;
    invoice.amount_remaining = 0;
    invoice.next_payment_attempt = null;
    invoice.status_transitions.paid_at = world.now();
  });
  world.emit("invoice.paid", invoice);
  if (announcesPayment) world.emit("invoice.payment_succeeded", invoice);
}

function linkPayment(world: World, invoice: Stripe.Invoice, intent: Stripe.PaymentIntent): void {
  world.store.hidden("payment_intent", intent.id).invoice = invoice.id;
  world.create("invoice_payment", {
    invoice: invoice.id,
    amount_requested: invoice.amount_due,
    amount_paid: null,
    currency: invoice.currency,
    is_default: true,
    status: "open",
    payment: { type: "payment_intent", payment_intent: intent.id },
  });
}

// A credit note since the last attempt makes less of it.
function followAmount(world: World, invoice: Stripe.Invoice, payment: Stripe.InvoicePayment): void {
  payment.amount_requested = invoice.amount_due;
  const intent = world.get("payment_intent", payment.payment.payment_intent as string);
  intent.amount = invoice.amount_due;
}

/** Tries to collect an open invoice. Dunning and the subscription's status are the caller's concern. */
export function attemptInvoice(
  world: World,
  invoice: Stripe.Invoice,
  paymentMethod?: string | null,
): PaymentOutcome {
  invoice.attempted = true;
  if (invoice.amount_due === 0) {
    markPaid(world, invoice);
    return "succeeded";
  }
  const customer = invoice.customer as string;
  const subscriptionId = invoice.parent?.subscription_details?.subscription as string | undefined;
  const subscription = subscriptionId ? world.store.find("subscription", subscriptionId) : undefined;
  const payment = paymentOf(world, invoice.id);
  if (payment) followAmount(world, invoice, payment);
  const { outcome, intent } = attemptPayment(world, {
    amount: invoice.amount_due,
    currency: invoice.currency,
    customer,
    paymentMethod: paymentMethod ?? defaultMethodOf(world, customer, subscription),
    description: subscription ? "Subscription update" : invoice.description,
    invoice: invoice.id,
    ...(payment ? { intent: payment.payment.payment_intent as string } : {}),
  });
  if (!payment) linkPayment(world, invoice, intent);
  if (outcome === "succeeded") markPaid(world, invoice);
  return outcome;
}

/** Voids an invoice that will never be paid. */
export function voidInvoice(world: World, invoice: Stripe.Invoice): void {
  invoice.status = "void";
  invoice.next_payment_attempt = null;
  invoice.status_transitions.voided_at = world.now();
  world.emit("invoice.voided", invoice);
}

/** Writes an open invoice off. It can still be paid. */
export function markUncollectible(world: World, invoice: Stripe.Invoice): void {
  invoice.status = "uncollectible";
  invoice.next_payment_attempt = null;
  invoice.status_transitions.marked_uncollectible_at = world.now();
  world.emit("invoice.marked_uncollectible", invoice);
}

/** The invoice of a one-time payment that already went through (`invoice_creation`). */
export function paidInvoice(
  world: World,
  customer: string,
  intent: Stripe.PaymentIntent | null,
  lineItems: Stripe.LineItem[],
  discounts: Stripe.Discount[],
): Stripe.Invoice {
  const period = { start: world.now(), end: world.now() };
  const lines = lineItems.map((item) => ({
    amount: item.amount_total + item.amount_discount,
    description: item.description,
    price: item.price!,
    quantity: item.quantity ?? 1,
    period,
    proration: false,
    subscription: null,
    subscriptionItem: null,
  }));
  const invoice = issueInvoice(world, {
    customer,
    currency: lineItems[0]?.currency ?? "usd",
    reason: "manual",
    lines,
    discounts,
  });
  if (intent) linkPayment(world, invoice, intent);
  markPaid(world, invoice);
  return invoice;
}
