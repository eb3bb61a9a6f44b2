/** Endpoints kept with full request and response schemas; every other v1 path is only known by name. */
const ENDPOINT_PATTERNS = [
  "/v1/(products|prices|customers|coupons|promotion_codes|events|charges|refunds|disputes|payment_methods|payment_intents|setup_intents|subscriptions|subscription_items|subscription_schedules|invoices|credit_notes|invoiceitems|invoice_payments|balance_transactions|webhook_endpoints)(/\\{\\}(/[a-z_]+)?|/search|/preview|/create_preview)?",
  "/v1/customers/\\{\\}/tax_ids/\\{\\}",
  "/v1/checkout/sessions.*",
  "/v1/billing_portal/(sessions|configurations).*",
  "/v1/test_helpers/test_clocks.*",
];

const EVENT_PATTERN =
  /^(checkout|customer|invoice|credit_note|invoiceitem|invoice_payment|charge|refund|payment_intent|setup_intent|payment_method|product|price|coupon|promotion_code|subscription_schedule|test_helpers|billing_portal)\./;

const OBJECT_FILES = new Set(
  (
    "Products Prices Customers Coupons PromotionCodes Events Charges Refunds Disputes PaymentMethods PaymentIntents " +
    "SetupIntents Subscriptions SubscriptionItems SubscriptionSchedules Invoices InvoiceItems InvoiceLineItems " +
    "InvoicePayments CreditNotes CreditNoteLineItems BalanceTransactions WebhookEndpoints Checkout/Sessions LineItems BillingPortal/Sessions " +
    "BillingPortal/Configurations TestHelpers/TestClocks Discounts TaxRates TaxIds TaxCodes ShippingRates Cards Plans " +
    "CustomerBalanceTransactions ProductFeatures"
  ).split(" "),
);

// Stripe describes some sixty payment methods; the simulator speaks of these only.
const PAYMENT_METHODS = new Set(["Card", "Link", "UsBankAccount", "SepaDebit"]);
const PAYMENT_METHOD_PART =
  /\.(?:PaymentMethodOptions|PaymentMethodDetails|PaymentMethodData|NextAction)\.([A-Z][A-Za-z0-9]*)/;

const ENDPOINTS = ENDPOINT_PATTERNS.map((pattern) => new RegExp(`^${pattern}$`));
const ALWAYS_KEPT_FILES = new Set(["shared", "lib", "Events"]);

export function keepsEndpoint(path: string): boolean {
  return ENDPOINTS.some((pattern) => pattern.test(path));
}

export function keepsEvent(type: string): boolean {
  return EVENT_PATTERN.test(type);
}

function isDroppedPaymentMethod(typeName: string): boolean {
  const name = typeName.match(PAYMENT_METHOD_PART)?.[1];
  return name !== undefined && !PAYMENT_METHODS.has(name);
}

/** Whether a type ("Invoices:Invoice.Parent") is described in full, or left opaque. */
export function keepsType(key: string): boolean {
  const [file = "", typeName = ""] = key.split(":");
  if (isDroppedPaymentMethod(typeName)) return false;
  if (/Params(\.|$)/.test(typeName)) return true;
  return ALWAYS_KEPT_FILES.has(file) || OBJECT_FILES.has(file);
}

/** What remains of a type that is not described: enough to tell an object from a deleted one. */
export function opaqueSchema(key: string): Record<string, unknown> {
  const typeName = key.split(":")[1] ?? "";
  if (isDroppedPaymentMethod(typeName) || typeName.includes(".")) return {};
  if (typeName.startsWith("Deleted")) return { type: "object", required: ["id", "object", "deleted"] };
  return { type: "object", required: ["id", "object"] };
}
