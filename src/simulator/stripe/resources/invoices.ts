import type Stripe from "stripe";
import { collect, expirePendingUpdate, settle, subscriptionOf } from "../billing/collection";
import { finalizeInvoice, markUncollectible, voidInvoice } from "../billing/invoices";
import { createDraft, createItem, deleteDraft, deleteItem } from "../billing/one-off";
import { DECLINE } from "../billing/payments";
import { previewInvoice } from "../billing/previews";
import { mergeMetadata } from "../changes";
import { cardError, invalidRequest, notSimulated } from "../errors";
import { listBody, listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const PREVIEW =
  "customer subscription subscription_details.items subscription_details.proration_behavior " +
  "subscription_details.proration_date subscription_details.billing_cycle_anchor.type subscription_details.trial_end preview_mode discounts " +
  "schedule schedule_details.phases.items.price schedule_details.phases.items.quantity schedule_details.phases.start_date " +
  "schedule_details.phases.end_date schedule_details.phases.duration schedule_details.phases.proration_behavior " +
  "schedule_details.end_behavior";

const CREATE =
  "customer auto_advance collection_method currency description metadata pending_invoice_items_behavior " +
  "discounts.coupon discounts.promotion_code automatic_tax.enabled subscription days_until_due due_date";

const CREATE_ITEM =
  "customer amount currency description invoice subscription metadata pricing.price price_data.currency " +
  "price_data.product price_data.unit_amount quantity period";

function pay(params: Stripe.InvoicePayParams, world: World, id: string): Stripe.Invoice {
  const invoice = world.get("invoice", id);
  if (invoice.status === "draft") finalizeInvoice(world, invoice);
  if (invoice.status === "paid")
    throw invalidRequest("Invoice is already paid", undefined, "invoice_already_paid");
  if (invoice.status !== "open" && invoice.status !== "uncollectible") {
    throw invalidRequest(
      `This invoice can't be paid because it is ${invoice.status}.`,
      undefined,
      "invoice_not_payable",
    );
  }
  if (params.payment_method) world.get("payment_method", params.payment_method, "payment_method");
  if (params.paid_out_of_band) {
    settle(world, invoice, false);
    return invoice;
  }
  const outcome = collect(world, invoice, { automatic: false, paymentMethod: params.payment_method ?? null });
  if (outcome === "declined") throw cardError(DECLINE);
  if (outcome === "requires_action") {
    throw cardError({
      code: "invoice_payment_intent_requires_action",
      message:
        "Payment for this invoice requires additional user action before it can be completed successfully.",
    });
  }
  return invoice;
}

/** An update that waited for this invoice can no longer come. */
function dropPendingUpdate(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice);
  if (!subscription) return;
  const { pendingUpdate } = world.store.hidden("subscription", subscription.id);
  if (pendingUpdate?.invoice === invoice.id) expirePendingUpdate(world, subscription);
}

function matches(params: Stripe.InvoiceListParams): (invoice: Stripe.Invoice) => boolean {
  return ({ customer, status, parent, collection_method }) =>
    (!params.customer || customer === params.customer) &&
    (!params.status || status === params.status) &&
    (!params.collection_method || collection_method === params.collection_method) &&
    (!params.subscription || parent?.subscription_details?.subscription === params.subscription);
}

function create(params: Stripe.InvoiceCreateParams, world: World): Stripe.Invoice {
  if (params.subscription) throw notSimulated("one-off invoices of a subscription");
  return createDraft(world, params);
}

function finalize(params: Stripe.InvoiceFinalizeInvoiceParams, world: World, id: string): Stripe.Invoice {
  const invoice = world.get("invoice", id);
  if (invoice.status !== "draft") {
    throw invalidRequest("This invoice is already finalized.", undefined, "invoice_not_editable");
  }
  if (params.auto_advance !== undefined) invoice.auto_advance = params.auto_advance;
  finalizeInvoice(world, invoice);
  const isCharged = invoice.auto_advance && invoice.collection_method !== "send_invoice";
  if (isCharged || invoice.amount_due === 0) collect(world, invoice, { automatic: true });
  return invoice;
}

/** Mails nobody, but says so. */
function send(world: World, id: string): Stripe.Invoice {
  const invoice = world.get("invoice", id);
  if (invoice.collection_method !== "send_invoice")
    throw invalidRequest("You can only manually send an invoice if its collection method is 'send_invoice'.");
  if (invoice.status === "draft") finalizeInvoice(world, invoice);
  if (invoice.status !== "open") throw invalidRequest(`An invoice that is ${invoice.status} can't be sent.`);
  world.emit("invoice.sent", invoice);
  return invoice;
}

export const invoiceRoutes = [
  route<Stripe.InvoiceCreatePreviewParams>("POST", "/invoices/create_preview", PREVIEW, (params, { world }) =>
    previewInvoice(world, params),
  ),
  route("GET", "/invoices/{}", "", (_, { world, ids }) => world.get("invoice", ids[0]!)),
  route<Stripe.InvoiceUpdateParams>(
    "POST",
    "/invoices/{}",
    "metadata description",
    (params, { world, ids }) =>
      world.change(world.get("invoice", ids[0]!), "invoice.updated", (invoice) => {
        invoice.metadata = mergeMetadata(invoice.metadata ?? {}, params.metadata);
        if (params.description !== undefined) invoice.description = params.description || null;
      }),
  ),
  route<Stripe.InvoicePayParams>(
    "POST",
    "/invoices/{}/pay",
    "payment_method paid_out_of_band off_session",
    (params, { world, ids }) => pay(params, world, ids[0]!),
  ),
  route("POST", "/invoices/{}/void", "", (_, { world, ids }) => {
    const invoice = world.get("invoice", ids[0]!);
    if (invoice.status !== "open" && invoice.status !== "uncollectible")
      throw invalidRequest("You can only void open or uncollectible invoices.");
    voidInvoice(world, invoice);
    dropPendingUpdate(world, invoice);
    return invoice;
  }),
  route("POST", "/invoices/{}/send", "", (_, { world, ids }) => send(world, ids[0]!)),
  route<Stripe.InvoiceCreateParams>("POST", "/invoices", CREATE, (params, { world }) =>
    create(params, world),
  ),
  route("DELETE", "/invoices/{}", "", (_, { world, ids }) => deleteDraft(world, ids[0]!)),
  route<Stripe.InvoiceFinalizeInvoiceParams>(
    "POST",
    "/invoices/{}/finalize",
    "auto_advance",
    (params, { world, ids }) => finalize(params, world, ids[0]!),
  ),
  route("POST", "/invoices/{}/mark_uncollectible", "", (_, { world, ids }) => {
    const invoice = world.get("invoice", ids[0]!);
    if (invoice.status !== "open") throw invalidRequest("You can only write open invoices off.");
    markUncollectible(world, invoice);
    return invoice;
  }),
  route("GET", "/invoices/{}/lines", "limit starting_after ending_before", (params, { world, ids, path }) => {
    const lines = world.get("invoice", ids[0]!).lines.data;
    return Object.keys(params as object).length > 0
      ? listPage(path, lines, params as object)
      : listBody(path, lines);
  }),
  route<Stripe.InvoiceListParams>(
    "GET",
    "/invoices",
    "customer status subscription collection_method created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("invoice"), params, matches(params)),
  ),
];

export const invoicePaymentRoutes = [
  route("GET", "/invoice_payments/{}", "", (_, { world, ids }) => world.get("invoice_payment", ids[0]!)),
  route<Stripe.InvoicePaymentListParams>(
    "GET",
    "/invoice_payments",
    "invoice payment status created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(path, world.store.all("invoice_payment"), params, ({ invoice, status, payment }) => {
        if (params.invoice && invoice !== params.invoice) return false;
        if (params.status && status !== params.status) return false;
        return !params.payment?.payment_intent || payment.payment_intent === params.payment.payment_intent;
      }),
  ),
];

export const invoiceItemRoutes = [
  route<Stripe.InvoiceItemCreateParams>("POST", "/invoiceitems", CREATE_ITEM, (params, { world }) =>
    createItem(world, params),
  ),
  route("DELETE", "/invoiceitems/{}", "", (_, { world, ids }) => deleteItem(world, ids[0]!)),
  route("GET", "/invoiceitems/{}", "", (_, { world, ids }) => world.get("invoiceitem", ids[0]!)),
  route<Stripe.InvoiceItemListParams>(
    "GET",
    "/invoiceitems",
    "customer invoice pending created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(path, world.store.all("invoiceitem"), params, (item) => {
        if (params.customer && item.customer !== params.customer) return false;
        if (params.invoice && item.invoice !== params.invoice) return false;
        return params.pending === undefined || (item.invoice === null) === params.pending;
      }),
  ),
];
