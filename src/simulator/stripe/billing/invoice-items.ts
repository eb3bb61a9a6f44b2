import type Stripe from "stripe";
import type { World } from "../world";
import { type LineDraft, pricingOf } from "./invoice-draft";
import { decimalOf } from "./money";

interface NewItem {
  customer: string;
  currency: string;
  line: LineDraft;
  /** The subscription whose next invoice takes it; null for a line of its own. */
  subscription: string | null;
  invoice?: string | null;
  metadata?: Record<string, string>;
}

function parentOf({ subscription, line }: NewItem): Stripe.InvoiceItem["parent"] {
  if (subscription === null) return null;
  return {
    type: "subscription_details",
    subscription_details: {
      subscription,
      ...(line.subscriptionItem ? { subscription_item: line.subscriptionItem } : {}),
    },
  };
}

/** Stores a line that waits for an invoice. */
export function storeItem(world: World, wanted: NewItem): Stripe.InvoiceItem {
  const { line, customer, currency, invoice = null, metadata = {} } = wanted;
  const item = world.create("invoiceitem", {
    amount: line.amount,
    net_amount: line.amount,
    currency,
    customer,
    date: world.now(),
    description: line.description,
    discountable: !line.proration,
    discounts: [],
    invoice,
    metadata,
    parent: parentOf(wanted),
    period: line.period,
    pricing: line.price && pricingOf(line.price),
    proration: line.proration,
    quantity: line.quantity,
    quantity_decimal: decimalOf(line.quantity),
    tax_rates: [],
  });
  world.emit("invoiceitem.created", item);
  return item;
}

/** Stores lines that wait; the next invoice of the subscription picks them up. */
export function createInvoiceItems(
  world: World,
  { id, customer, currency }: Stripe.Subscription,
  lines: LineDraft[],
): void {
  for (const line of lines)
    storeItem(world, { customer: customer as string, currency, line, subscription: id });
}
