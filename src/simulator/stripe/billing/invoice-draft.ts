import type Stripe from "stripe";
import { listBody } from "../lists";
import type { World } from "../world";
import { discountsOf, reduce, reductionOf } from "./discounts";
import { decimalOf } from "./money";
import { invoiceTax } from "./tax";
import { taxIdsOf } from "./tax-ids";

/** One line before it belongs to an invoice. */
export interface LineDraft {
  amount: number;
  description: string | null;
  /** Null for a bare amount. */
  price: Stripe.Price | null;
  quantity: number;
  period: { start: number; end: number };
  proration: boolean;
  subscription: string | null;
  subscriptionItem: string | null;
  invoiceItem?: string;
  /** A charge for the rest of a period: what it debits may be credited again. */
  debits?: boolean;
}

export interface InvoiceDraft {
  customer: string;
  currency: string;
  reason: Stripe.Invoice["billing_reason"];
  lines: LineDraft[];
  subscription?: Stripe.Subscription;
  metadata?: Record<string, string>;
  description?: string | null;
  period?: { start: number; end: number };
  /** Those of the subscription, unless told. */
  discounts?: Stripe.Discount[];
  isTaxed?: boolean;
}

const UNTAXED = { tax: 0, total_taxes: [] };

function lineParent(line: LineDraft): Stripe.InvoiceLineItem["parent"] {
  const shared = {
    proration: line.proration,
    proration_details: line.proration ? { credited_items: null } : null,
  };
  if (line.subscription && line.subscriptionItem) {
    return {
      type: "subscription_item_details",
      invoice_item_details: null,
      subscription_item_details: {
        ...shared,
        invoice_item: line.invoiceItem ?? null,
        subscription: line.subscription,
        subscription_item: line.subscriptionItem,
      },
    };
  }
  if (!line.invoiceItem) return null;
  const details = { ...shared, invoice_item: line.invoiceItem, subscription: line.subscription };
  return { type: "invoice_item_details", invoice_item_details: details, subscription_item_details: null };
}

type DiscountAmount = Stripe.InvoiceLineItem.DiscountAmount;

/** What each discount takes off each line; prorations already are what they are. */
function discountLines(world: World, draft: InvoiceDraft): DiscountAmount[][] {
  const discounts = draft.discounts ?? (draft.subscription ? discountsOf(world, draft.subscription) : []);
  const amounts = draft.lines.map(({ proration, amount, price }) => ({
    amount: proration ? 0 : amount,
    product: price ? (price.product as string) : null,
  }));
  const rows = reduce(
    discounts.map((discount) => reductionOf(world, discount)),
    amounts,
  );
  return draft.lines.map((line, index) =>
    line.proration ? [] : discounts.map(({ id }, row) => ({ discount: id, amount: rows[row]![index]! })),
  );
}

export const sumOf = (amounts: readonly { amount: number }[]): number =>
  amounts.reduce((sum, { amount }) => sum + amount, 0);

function totalDiscounts(lines: readonly DiscountAmount[][]): DiscountAmount[] {
  const totals = new Map<string, number>();
  for (const { discount, amount } of lines.flat()) {
    totals.set(discount as string, (totals.get(discount as string) ?? 0) + amount);
  }
  return [...totals].map(([discount, amount]) => ({ discount, amount }));
}

/** The price that a line or an item was reckoned from. */
export function pricingOf(price: Stripe.Price): Stripe.InvoiceLineItem.Pricing & Stripe.InvoiceItem.Pricing {
  return {
    type: "price_details",
    price_details: { price: price.id, product: price.product as string },
    unit_amount_decimal: decimalOf(price.unit_amount ?? 0),
  };
}

function lineItem(
  world: World,
  invoice: string,
  currency: string,
  line: LineDraft,
  discountAmounts: DiscountAmount[],
): Stripe.InvoiceLineItem {
  return world.build<Stripe.InvoiceLineItem>("InvoiceLineItems:InvoiceLineItem", {
    id: world.ids.next("il", 24),
    amount: line.amount,
    subtotal: line.amount,
    currency,
    description: line.description,
    discount_amounts: discountAmounts,
    discountable: !line.proration,
    invoice,
    period: line.period,
    parent: lineParent(line),
    pretax_credit_amounts: [],
    pricing: line.price && pricingOf(line.price),
    quantity: line.quantity,
    subscription: line.subscription,
    taxes: [],
  });
}

function parentOf(draft: InvoiceDraft): Stripe.Invoice["parent"] {
  if (!draft.subscription) return null;
  const { id, metadata } = draft.subscription;
  return {
    type: "subscription_details",
    quote_details: null,
    subscription_details: { metadata: { ...metadata }, subscription: id },
  };
}

/** Whom an invoice is for: as the customer is until it is final. */
export function billedTo(world: World, customer: Stripe.Customer): Partial<Stripe.Invoice> {
  const { id, email, name, address, phone, tax_exempt } = customer;
  return {
    customer_address: address ?? null,
    customer_email: email,
    customer_name: name ?? null,
    customer_phone: phone ?? null,
    customer_tax_exempt: tax_exempt ?? "none",
    customer_tax_ids: taxIdsOf(world, id).map(({ type, value }) => ({ type, value })),
  };
}

/** The fields of a draft that depend on its lines and customer; used for real invoices and previews. */
export function invoiceFields(world: World, id: string, draft: InvoiceDraft): Partial<Stripe.Invoice> {
  const customer = world.get("customer", draft.customer);
  const subtotal = draft.lines.reduce((sum, line) => sum + line.amount, 0);
  const discounted = discountLines(world, draft);
  const discountTotals = totalDiscounts(discounted);
  const net = draft.lines.map((line, index) => line.amount - sumOf(discounted[index]!));
  const isTaxed = draft.isTaxed ?? draft.subscription?.automatic_tax.enabled === true;
  const { tax, ...taxes } = isTaxed ? invoiceTax(net) : UNTAXED;
  const total = subtotal - sumOf(discountTotals) + tax;
  const due = Math.max(0, total + customer.balance);
  const period = draft.period ?? { start: world.now(), end: world.now() };
  const lines = draft.lines.map((line, index) =>
    lineItem(world, id, draft.currency, line, discounted[index]!),
  );
  return {
    id,
    account_country: "US",
    account_name: "Simulated account",
    amount_due: due,
    amount_remaining: due,
    auto_advance: true,
    billing_reason: draft.reason,
    created: world.now(),
    currency: draft.currency,
    customer: customer.id,
    ...billedTo(world, customer),
    description: draft.description ?? null,
    issuer: { type: "self" },
    lines: listBody(`/v1/invoices/${id}/lines`, lines) as Stripe.Invoice["lines"],
    metadata: draft.metadata ?? {},
    parent: parentOf(draft),
    period_start: period.start,
    period_end: period.end,
    starting_balance: customer.balance,
    status: "draft",
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_excluding_tax: total - tax,
    discounts: discountTotals.map(({ discount }) => discount as string),
    total_discount_amounts: discountTotals,
    total_pretax_credit_amounts: [],
    ...taxes,
  };
}

/** Proration lines that wait for the next invoice of a subscription. */
export function pendingLines(world: World, subscription: string): LineDraft[] {
  const pending = world.store.all("invoiceitem").filter((item) => {
    return item.invoice === null && item.parent?.subscription_details?.subscription === subscription;
  });
  return linesOfItems(world, pending.reverse());
}

/** Invoice items as lines. */
export function linesOfItems(world: World, items: Stripe.InvoiceItem[]): LineDraft[] {
  return items.map((item) => ({
    amount: item.amount,
    description: item.description,
    price:
      world.store.find("price", (item.pricing?.price_details?.price as string | undefined) ?? "") ?? null,
    quantity: item.quantity,
    period: item.period,
    proration: item.proration,
    subscription: item.parent?.subscription_details?.subscription ?? null,
    subscriptionItem: item.parent?.subscription_details?.subscription_item ?? null,
    invoiceItem: item.id,
  }));
}
