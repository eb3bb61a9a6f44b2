import type Stripe from "stripe";
import { createPrice } from "../billing/catalog";
import { expireSession } from "../billing/checkout";
import { applyDiscount, totalUp } from "../billing/checkout-totals";
import { choiceOf } from "../billing/coupons";
import { hoursLater } from "../billing/periods";
import { createSetup } from "../billing/setup";
import { assertRecurring, productName } from "../billing/subscription-items";
import { mergeMetadata } from "../changes";
import { invalidRequest, notSimulated } from "../errors";
import { listBody, listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

type Params = Stripe.Checkout.SessionCreateParams;
type Line = Stripe.Checkout.SessionCreateParams.LineItem;

const CREATE =
  "mode ui_mode line_items.price line_items.price_data line_items.quantity line_items.metadata success_url " +
  "cancel_url customer customer_email customer_creation customer_update client_reference_id metadata expires_at " +
  "allow_promotion_codes payment_method_collection billing_address_collection locale submit_type currency " +
  "discounts.coupon discounts.promotion_code automatic_tax.enabled adaptive_pricing.enabled invoice_creation.enabled " +
  "subscription_data.metadata subscription_data.description subscription_data.trial_period_days " +
  "subscription_data.trial_end subscription_data.trial_settings " +
  "payment_intent_data.metadata payment_intent_data.description payment_intent_data.receipt_email " +
  "payment_intent_data.setup_future_usage setup_intent_data.metadata setup_intent_data.description";

const MIN_MINUTES = 30;
const MAX_HOURS = 24;
const MIN_TRIAL_HOURS = 48;

function inlinePrice(world: World, data: NonNullable<Line["price_data"]>): Stripe.Price {
  return createPrice(world, { ...data, active: false } as Stripe.PriceCreateParams);
}

function lineItem(world: World, line: Line): Stripe.LineItem {
  if (!line.price && !line.price_data)
    throw invalidRequest("Missing required param: line_items[0][price].", "line_items");
  const quantity = line.quantity;
  if (quantity === undefined)
    throw invalidRequest("Quantity is required. Add `quantity` to `line_items[0]`", "line_items");
  if (!Number.isInteger(quantity) || quantity < 1) {
    throw invalidRequest("Quantity must be a positive integer.", "line_items[0][quantity]");
  }
  const price = line.price_data
    ? inlinePrice(world, line.price_data)
    : world.get("price", line.price!, "line_items[0][price]");
  if (!line.price_data && !price.active) {
    throw invalidRequest(
      `The price specified is inactive. This field only accepts active prices.`,
      "line_items[0][price]",
    );
  }
  const amount = (price.unit_amount ?? 0) * quantity;
  return world.build<Stripe.LineItem>("LineItems:LineItem", {
    id: world.ids.next("li", 24),
    amount_subtotal: amount,
    amount_total: amount,
    currency: price.currency,
    description: productName(world, price),
    metadata: mergeMetadata({}, line.metadata),
    price: structuredClone(price),
    quantity,
  });
}

function assertModeFits(params: Params, prices: Stripe.Price[]): void {
  const recurring = prices.filter((price) => price.recurring);
  if (params.mode === "payment" && recurring.length > 0) {
    throw invalidRequest(
      "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.",
      "line_items",
    );
  }
  if (params.mode !== "subscription") return;
  if (recurring.length === 0) {
    throw invalidRequest(
      "You must provide at least one recurring price in `subscription` mode when using prices.",
      "line_items",
    );
  }
  assertRecurring(recurring);
}

function assertOptions(world: World, params: Params): void {
  if (!params.mode) throw invalidRequest("Missing required param: mode.", "mode", "parameter_missing");
  if (params.ui_mode && params.ui_mode !== "hosted_page")
    throw notSimulated(`checkout with ui_mode ${params.ui_mode}`);
  if (params.automatic_tax?.enabled && params.customer && !params.customer_update?.address) {
    throw invalidRequest(
      "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' to save the address entered in Checkout to the Customer.",
      "customer_update",
    );
  }
  if (!params.success_url)
    throw invalidRequest("Missing required param: success_url.", "success_url", "parameter_missing");
  const isSetup = params.mode === "setup";
  if (isSetup && params.line_items)
    throw invalidRequest("`line_items` is not allowed in `setup` mode.", "line_items");
  if (isSetup && !params.currency)
    throw invalidRequest("Missing required param: currency.", "currency", "parameter_missing");
  if (!isSetup && !params.line_items?.length)
    throw invalidRequest("Missing required param: line_items.", "line_items", "parameter_missing");
  if (params.customer) world.get("customer", params.customer, "customer");
  if (params.customer && params.customer_email) {
    throw invalidRequest(
      "You may only specify one of these parameters: customer, customer_email.",
      "customer",
    );
  }
  if (params.discounts?.length && params.allow_promotion_codes !== undefined) {
    throw invalidRequest(
      "You may only specify one of these parameters: allow_promotion_codes, discounts.",
      "discounts",
    );
  }
  if ((params.discounts?.length ?? 0) > 1) throw invalidRequest("At most one discount.", "discounts");
  if (params.customer_update && !params.customer) {
    throw invalidRequest("`customer_update` can only be used with `customer`.", "customer_update");
  }
  const wrongPart = params.mode === "payment" ? "subscription_data" : "payment_intent_data";
  if (!isSetup && params[wrongPart]) {
    throw invalidRequest(`You can not pass \`${wrongPart}\` in \`${params.mode}\` mode.`, wrongPart);
  }
}

function assertTrialEnd(world: World, trialEnd: number | undefined): void {
  if (trialEnd !== undefined && trialEnd < hoursLater(world.now(), MIN_TRIAL_HOURS))
    throw invalidRequest(
      "The `trial_end` date has to be at least 2 days in the future.",
      "subscription_data[trial_end]",
    );
}

function expiryOf(world: World, expiresAt: number | undefined): number {
  const now = world.now();
  if (expiresAt === undefined) return hoursLater(now, MAX_HOURS);
  if (expiresAt < now + MIN_MINUTES * 60 - 60 || expiresAt > hoursLater(now, MAX_HOURS) + 60) {
    throw invalidRequest(
      "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.",
      "expires_at",
    );
  }
  return expiresAt;
}

function create(params: Params, world: World): Stripe.Checkout.Session {
  assertOptions(world, params);
  const expiresAt = expiryOf(world, params.expires_at);
  const isTaxed = params.automatic_tax?.enabled === true;
  const lineItems = (params.line_items ?? []).map((line) => lineItem(world, line));
  assertModeFits(
    params,
    lineItems.map((line) => line.price!),
  );
  const trialEnd = params.subscription_data?.trial_end;
  assertTrialEnd(world, trialEnd);
  const isPayment = params.mode === "payment";
  const session = world.create("checkout.session", {
    mode: params.mode,
    ui_mode: "hosted_page",
    status: "open",
    payment_status: "unpaid",
    allow_promotion_codes: params.allow_promotion_codes ?? null,
    adaptive_pricing: params.adaptive_pricing ? { enabled: params.adaptive_pricing.enabled ?? false } : null,
    automatic_tax: automaticTax(isTaxed),
    billing_address_collection: params.billing_address_collection ?? null,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    currency: lineItems[0]?.currency ?? params.currency!.toLowerCase(),
    customer: params.customer ?? null,
    customer_creation: isPayment && !params.customer ? (params.customer_creation ?? "if_required") : null,
    customer_email: params.customer_email ?? null,
    expires_at: expiresAt,
    invoice_creation: isPayment ? invoiceCreation(world, params.invoice_creation?.enabled ?? false) : null,
    locale: params.locale ?? null,
    metadata: mergeMetadata({}, params.metadata),
    payment_method_collection: isPayment ? "if_required" : (params.payment_method_collection ?? "always"),
    payment_method_types: ["card"],
    phone_number_collection: { enabled: false },
    submit_type: params.submit_type ?? null,
    success_url: params.success_url ?? null,
  });
  session.url = `${world.baseUrl}/c/pay/${session.id}`;
  Object.assign(world.store.hidden("checkout.session", session.id), {
    lineItems,
    subscriptionData: params.subscription_data,
    paymentIntentData: params.payment_intent_data,
    ...(trialEnd === undefined ? {} : { trialEnd }),
  });
  if (params.mode === "setup") beginSetup(world, session, params);
  else totalUp(world, session);
  for (const discount of params.discounts ?? []) applyDiscount(world, session, choiceOf(world, discount));
  return session;
}

// A session in setup mode stores a card; nothing is bought.
function beginSetup(world: World, session: Stripe.Checkout.Session, params: Params): void {
  const { metadata, description = null } = params.setup_intent_data ?? {};
  const setup = { customer: params.customer ?? null, metadata: mergeMetadata({}, metadata), description };
  session.setup_intent = createSetup(world, setup).id;
  session.payment_status = "no_payment_required";
}

function automaticTax(enabled: boolean): Stripe.Checkout.Session.AutomaticTax {
  if (!enabled) return { enabled, liability: null, provider: null, status: null };
  return { enabled, liability: { type: "self" }, provider: "stripe", status: "complete" };
}

function invoiceCreation(world: World, enabled: boolean): Stripe.Checkout.Session.InvoiceCreation {
  return world.build<Stripe.Checkout.Session.InvoiceCreation>("Checkout/Sessions:Session.InvoiceCreation", {
    enabled,
  });
}

function expire(world: World, id: string): Stripe.Checkout.Session {
  const session = world.get("checkout.session", id);
  if (session.status !== "open") {
    throw invalidRequest(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
    );
  }
  return expireSession(world, session);
}

function matches(params: Stripe.Checkout.SessionListParams): (session: Stripe.Checkout.Session) => boolean {
  return (session) =>
    (!params.customer || session.customer === params.customer) &&
    (!params.status || session.status === params.status) &&
    (!params.subscription || session.subscription === params.subscription) &&
    (!params.payment_intent || session.payment_intent === params.payment_intent);
}

export const checkoutSessionRoutes = [
  route<Params>("POST", "/checkout/sessions", CREATE, (params, { world }) => create(params, world)),
  route("GET", "/checkout/sessions/{}", "", (_, { world, ids }) => world.get("checkout.session", ids[0]!)),
  route("POST", "/checkout/sessions/{}/expire", "", (_, { world, ids }) => expire(world, ids[0]!)),
  route<Stripe.Checkout.SessionUpdateParams>(
    "POST",
    "/checkout/sessions/{}",
    "metadata",
    (params, { world, ids }) => {
      const session = world.get("checkout.session", ids[0]!);
      session.metadata = mergeMetadata(session.metadata ?? {}, params.metadata);
      return session;
    },
  ),
  route<Stripe.Checkout.SessionListLineItemsParams>(
    "GET",
    "/checkout/sessions/{}/line_items",
    "limit starting_after ending_before",
    (params, { world, ids, path }) => {
      const { id } = world.get("checkout.session", ids[0]!);
      const lines = world.store.hidden("checkout.session", id).lineItems ?? [];
      return params.limit ? listPage(path, lines, params) : listBody(path, lines);
    },
  ),
  route<Stripe.Checkout.SessionListParams>(
    "GET",
    "/checkout/sessions",
    "customer status subscription payment_intent created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("checkout.session"), params, matches(params)),
  ),
];
