import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { invalidRequest } from "../errors";
import type { World } from "../world";
import { createPrice } from "./catalog";
import { choiceOf } from "./coupons";
import { redeem } from "./discounts";
import { invoiceFields, linesOfItems } from "./invoice-draft";
import { storeItem } from "./invoice-items";
import { daysLater } from "./periods";

function priceOf(world: World, params: Stripe.InvoiceItemCreateParams): Stripe.Price | null {
  if (params.pricing?.price) return world.get("price", params.pricing.price, "pricing[price]");
  if (!params.price_data) return null;
  const { currency, product, unit_amount } = params.price_data;
  return createPrice(world, { currency, product, unit_amount: unit_amount ?? 0 });
}

/** A line for an invoice that is still a draft, or for the next one. */
export function createItem(world: World, params: Stripe.InvoiceItemCreateParams): Stripe.InvoiceItem {
  const customer = world.get("customer", params.customer ?? "", "customer");
  const price = priceOf(world, params);
  if (!price && params.amount === undefined) throw invalidRequest("Give an amount or a price.", "amount");
  const invoice = params.invoice ? world.get("invoice", params.invoice, "invoice") : null;
  if (invoice && invoice.status !== "draft")
    throw invalidRequest("Only a draft takes new lines.", "invoice", "invoice_not_editable");
  const quantity = params.quantity ?? 1;
  const item = storeItem(world, {
    customer: customer.id,
    currency: price?.currency ?? params.currency?.toLowerCase() ?? invoice?.currency ?? "usd",
    subscription: params.subscription ?? null,
    invoice: invoice?.id ?? null,
    metadata: mergeMetadata({}, params.metadata),
    line: {
      amount: price ? (price.unit_amount ?? 0) * quantity : params.amount!,
      description: params.description ?? null,
      price,
      quantity,
      period: params.period ?? { start: world.now(), end: world.now() },
      proration: false,
      subscription: params.subscription ?? null,
      subscriptionItem: null,
    },
  });
  if (invoice) redraft(world, invoice);
  return item;
}

/** @throws StripeApiError 400 once its invoice is final. */
export function deleteItem(world: World, id: string): Stripe.DeletedInvoiceItem {
  const item = world.get("invoiceitem", id);
  const invoice = item.invoice ? world.store.find("invoice", item.invoice as string) : undefined;
  if (invoice && invoice.status !== "draft")
    throw invalidRequest("The invoice item is attached to an invoice that is no longer editable.");
  world.store.remove("invoiceitem", id);
  world.emit("invoiceitem.deleted", item);
  if (invoice) redraft(world, invoice);
  return { id, object: "invoiceitem", deleted: true };
}

function itemsOf(world: World, invoice: string): Stripe.InvoiceItem[] {
  return world.store
    .all("invoiceitem")
    .filter((item) => item.invoice === invoice)
    .reverse();
}

/** Reckons a draft anew from the lines it has now. */
function redraft(world: World, invoice: Stripe.Invoice): void {
  const discounts = invoice.discounts.flatMap((id) => world.store.find("discount", id as string) ?? []);
  const { created, auto_advance, currency } = invoice;
  const fields = invoiceFields(world, invoice.id, {
    customer: invoice.customer as string,
    currency,
    reason: "manual",
    lines: linesOfItems(world, itemsOf(world, invoice.id)),
    metadata: invoice.metadata ?? {},
    description: invoice.description,
    discounts,
    isTaxed: invoice.automatic_tax.enabled,
  });
  Object.assign(invoice, fields, { created, auto_advance });
  // A discount on an empty draft has taken nothing off yet, and is still the draft's.
  invoice.discounts = discounts.map(({ id }) => id);
}

type Collection = Pick<Stripe.Invoice, "collection_method" | "due_date">;

/** Charged by itself, or sent to somebody who pays on its page until a day. */
function collectionOf(world: World, params: Stripe.InvoiceCreateParams): Collection {
  const { collection_method = "charge_automatically", days_until_due, due_date } = params;
  const isSent = collection_method === "send_invoice";
  const isDue = days_until_due !== undefined || due_date !== undefined;
  if (isSent !== isDue)
    throw invalidRequest(
      "A due date is given with `collection_method=send_invoice`, and only then.",
      "due_date",
    );
  const due = due_date ?? (isSent ? daysLater(world.now(), days_until_due ?? 0) : null);
  return { collection_method, due_date: due };
}

/** A draft of its own, with the lines that wait for the customer's next invoice if wanted. */
export function createDraft(world: World, params: Stripe.InvoiceCreateParams): Stripe.Invoice {
  const customer = world.get("customer", params.customer ?? "", "customer");
  const waiting = world.store
    .all("invoiceitem")
    .filter((item) => item.customer === customer.id && item.invoice === null && !item.parent)
    .reverse();
  const items = params.pending_invoice_items_behavior === "include" ? waiting : [];
  const currency = params.currency?.toLowerCase() ?? items[0]?.currency ?? customer.currency ?? "usd";
  const id = world.ids.next("in", 24);
  const discounts = (params.discounts || []).map((each) =>
    redeem(world, choiceOf(world, each), { customer: customer.id, invoice: id }),
  );
  const invoice = world.create("invoice", {
    ...invoiceFields(world, id, {
      customer: customer.id,
      currency,
      reason: "manual",
      lines: linesOfItems(world, items),
      metadata: mergeMetadata({}, params.metadata),
      description: params.description ?? null,
      discounts,
      isTaxed: params.automatic_tax?.enabled === true,
    }),
    auto_advance: params.auto_advance ?? false,
    ...collectionOf(world, params),
    discounts: discounts.map((discount) => discount.id),
  });
  for (const item of items) item.invoice = id;
  world.emit("invoice.created", invoice);
  return invoice;
}

/** @throws StripeApiError 400 unless it is a draft. Its lines wait for the next invoice again. */
export function deleteDraft(world: World, id: string): Stripe.DeletedInvoice {
  const invoice = world.get("invoice", id);
  if (invoice.status !== "draft") throw invalidRequest("You can only delete draft invoices.");
  for (const item of itemsOf(world, id)) item.invoice = null;
  world.store.remove("invoice", id);
  world.emit("invoice.deleted", invoice);
  return { id, object: "invoice", deleted: true };
}
