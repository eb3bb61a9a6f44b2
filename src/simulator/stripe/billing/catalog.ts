import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { invalidRequest, notSimulated } from "../errors";
import type { World } from "../world";
import { decimalOf } from "./money";

/** Creates a product with the fields that Stripe shows for a new one. */
export function createProduct(world: World, fields: Partial<Stripe.Product>): Stripe.Product {
  const product = world.create("product", {
    active: true,
    default_price: null,
    statement_descriptor: null,
    tax_code: null,
    type: "service",
    unit_label: null,
    updated: world.now(),
    ...fields,
  });
  world.emit("product.created", product);
  return product;
}

function recurringOf(
  world: World,
  params: Stripe.PriceCreateParams["recurring"],
): Stripe.Price.Recurring | null {
  if (!params) return null;
  if (params.usage_type === "metered") throw notSimulated("metered prices");
  return world.build<Stripe.Price.Recurring>("Prices:Price.Recurring", {
    interval: params.interval,
    interval_count: params.interval_count ?? 1,
    trial_period_days: null,
    usage_type: "licensed",
  });
}

/** Takes a lookup key from its holder, or refuses. */
export function claimLookupKey(world: World, key: string, transfers: boolean): void {
  const holder = world.store.all("price").find((price) => price.lookup_key === key);
  if (!holder) return;
  if (!transfers) {
    const message = `A price (\`${holder.id}\`) already uses that lookup key.`;
    throw invalidRequest(message, "lookup_key", "resource_already_exists");
  }
  world.change(holder, "price.updated", (price) => {
    price.lookup_key = null;
  });
}

/** @throws StripeApiError 400 for a missing product or amount, or a lookup key in use. */
export function createPrice(world: World, params: Stripe.PriceCreateParams): Stripe.Price {
  if (params.unit_amount === undefined)
    throw invalidRequest("Missing required param: unit_amount.", "unit_amount");
  if (!Number.isInteger(params.unit_amount) || params.unit_amount < 0) {
    throw invalidRequest(
      `Invalid non-negative integer: ${params.unit_amount}`,
      "unit_amount",
      "parameter_invalid_integer",
    );
  }
  if (!params.product && !params.product_data) {
    throw invalidRequest(
      "You must specify either `product` or `product_data` when creating a price.",
      "product",
    );
  }
  if (params.product) world.get("product", params.product, "product");
  const recurring = recurringOf(world, params.recurring);
  if (params.lookup_key) claimLookupKey(world, params.lookup_key, params.transfer_lookup_key === true);
  const { name = "", metadata, active = true } = params.product_data ?? {};
  const product =
    params.product ?? createProduct(world, { name, active, metadata: mergeMetadata({}, metadata) }).id;
  const price = world.create("price", {
    active: params.active ?? true,
    currency: params.currency.toLowerCase(),
    lookup_key: params.lookup_key ?? null,
    metadata: mergeMetadata({}, params.metadata),
    nickname: params.nickname ?? null,
    product,
    recurring,
    tax_behavior: params.tax_behavior ?? "unspecified",
    type: recurring ? "recurring" : "one_time",
    unit_amount: params.unit_amount,
    unit_amount_decimal: decimalOf(params.unit_amount),
  });
  world.emit("price.created", price);
  return price;
}

/** Creates a customer with the fields that Stripe shows for a new one. */
export function createCustomer(world: World, fields: Partial<Stripe.Customer>): Stripe.Customer {
  const customer = world.create("customer", {
    address: null,
    currency: null,
    delinquent: false,
    discount: null,
    invoice_prefix: world.ids.token("invoice_prefix", 8).toUpperCase(),
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    tax_exempt: "none",
    test_clock: null,
    ...fields,
  });
  world.emit("customer.created", customer);
  return customer;
}
