import type Stripe from "stripe";
import type { World } from "../world";
import type { LineDraft } from "./invoice-draft";
import { decimalOf } from "./money";

/** Stores lines that wait as invoice items; the next invoice of the subscription picks them up. */
export function createInvoiceItems(
  world: World,
  subscription: Stripe.Subscription,
  lines: LineDraft[],
): void {
  for (const line of lines) {
    const item = world.create("invoiceitem", {
      amount: line.amount,
      net_amount: line.amount,
      currency: subscription.currency,
      customer: subscription.customer,
      date: world.now(),
      description: line.description,
      discounts: [],
      parent: {
        type: "subscription_details",
        subscription_details: {
          subscription: subscription.id,
          ...(line.subscriptionItem ? { subscription_item: line.subscriptionItem } : {}),
        },
      },
      period: line.period,
      pricing: {
        type: "price_details",
        price_details: { price: line.price.id, product: line.price.product as string },
        unit_amount_decimal: decimalOf(line.price.unit_amount ?? 0),
      },
      proration: line.proration,
      quantity: line.quantity,
      quantity_decimal: decimalOf(line.quantity),
      tax_rates: [],
    });
    world.emit("invoiceitem.created", item);
  }
}
