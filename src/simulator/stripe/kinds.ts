import type Stripe from "stripe";

/** The objects the simulator stores, by the value of their `object` field. */
export interface Kinds {
  customer: Stripe.Customer;
  product: Stripe.Product;
  price: Stripe.Price;
  coupon: Stripe.Coupon;
  promotion_code: Stripe.PromotionCode;
  discount: Stripe.Discount;
  tax_id: Stripe.TaxId;
  payment_method: Stripe.PaymentMethod;
  payment_intent: Stripe.PaymentIntent;
  setup_intent: Stripe.SetupIntent;
  charge: Stripe.Charge;
  refund: Stripe.Refund;
  dispute: Stripe.Dispute;
  invoice: Stripe.Invoice;
  credit_note: Stripe.CreditNote;
  invoiceitem: Stripe.InvoiceItem;
  invoice_payment: Stripe.InvoicePayment;
  subscription: Stripe.Subscription;
  subscription_schedule: Stripe.SubscriptionSchedule;
  "checkout.session": Stripe.Checkout.Session;
  "billing_portal.session": Stripe.BillingPortal.Session;
  "billing_portal.configuration": Stripe.BillingPortal.Configuration;
  "test_helpers.test_clock": Stripe.TestHelpers.TestClock;
  webhook_endpoint: Stripe.WebhookEndpoint;
  event: Stripe.Event;
}

export type Kind = keyof Kinds;

interface KindFacts {
  /** The declaration in the stripe package that describes the object. */
  definition: string;
  prefix: string;
  idLength: number;
}

export const KINDS: Record<Kind, KindFacts> = {
  customer: { definition: "Customers:Customer", prefix: "cus", idLength: 14 },
  product: { definition: "Products:Product", prefix: "prod", idLength: 14 },
  price: { definition: "Prices:Price", prefix: "price", idLength: 24 },
  coupon: { definition: "Coupons:Coupon", prefix: "", idLength: 8 },
  promotion_code: { definition: "PromotionCodes:PromotionCode", prefix: "promo", idLength: 24 },
  discount: { definition: "Discounts:Discount", prefix: "di", idLength: 24 },
  tax_id: { definition: "TaxIds:TaxId", prefix: "txi", idLength: 24 },
  payment_method: { definition: "PaymentMethods:PaymentMethod", prefix: "pm", idLength: 24 },
  payment_intent: { definition: "PaymentIntents:PaymentIntent", prefix: "pi", idLength: 24 },
  setup_intent: { definition: "SetupIntents:SetupIntent", prefix: "seti", idLength: 24 },
  charge: { definition: "Charges:Charge", prefix: "ch", idLength: 24 },
  refund: { definition: "Refunds:Refund", prefix: "re", idLength: 24 },
  dispute: { definition: "Disputes:Dispute", prefix: "du", idLength: 24 },
  invoice: { definition: "Invoices:Invoice", prefix: "in", idLength: 24 },
  credit_note: { definition: "CreditNotes:CreditNote", prefix: "cn", idLength: 24 },
  invoiceitem: { definition: "InvoiceItems:InvoiceItem", prefix: "ii", idLength: 24 },
  invoice_payment: { definition: "InvoicePayments:InvoicePayment", prefix: "inpay", idLength: 24 },
  subscription: { definition: "Subscriptions:Subscription", prefix: "sub", idLength: 24 },
  subscription_schedule: {
    definition: "SubscriptionSchedules:SubscriptionSchedule",
    prefix: "sub_sched",
    idLength: 24,
  },
  "checkout.session": { definition: "Checkout/Sessions:Session", prefix: "cs_test", idLength: 58 },
  "billing_portal.session": { definition: "BillingPortal/Sessions:Session", prefix: "bps", idLength: 24 },
  "billing_portal.configuration": {
    definition: "BillingPortal/Configurations:Configuration",
    prefix: "bpc",
    idLength: 24,
  },
  "test_helpers.test_clock": {
    definition: "TestHelpers/TestClocks:TestClock",
    prefix: "clock",
    idLength: 24,
  },
  webhook_endpoint: { definition: "WebhookEndpoints:WebhookEndpoint", prefix: "we", idLength: 24 },
  event: { definition: "Events:EventBase", prefix: "evt", idLength: 24 },
};

/** How a card behaves when it is charged; `declines_later` may be stored, and fails then. */
export type CardBehaviour =
  | "succeeds"
  | "declines"
  | "declines_later"
  | "authenticates_once"
  | "authenticates_always";

/** What the simulator must remember about an object and Stripe does not show. */
export interface Hidden {
  payment_method: { behaviour?: CardBehaviour; authenticated?: boolean; expiresAt?: number };
  payment_intent: { invoice?: string };
  /** Products that the coupon is for; shown when asked for. */
  coupon: { products?: string[] };
  subscription: SubscriptionHidden;
  webhook_endpoint: { secret?: string };
  "checkout.session": CheckoutHidden;
  "billing_portal.session": { flowUsed?: boolean; pendingCard?: string };
}

/** What was last debited for each subscription item, and for which time (minor units, unix seconds). */
export type Debited = Record<string, { amount: number; start: number; end: number }>;

interface SubscriptionHidden {
  trialWillEndSent?: boolean;
  /** Prices that take effect with the next period. */
  scheduledItems?: Array<{ id: string; price: string }>;
  /** An update that waits for its invoice to be paid (`pending_if_incomplete`). */
  pendingUpdate?: { invoice: string; target: Partial<Stripe.Subscription>; debited?: Debited };
  debited?: Debited;
  /** A resumption that waits for its invoice to be paid, until an instant (unix seconds). */
  resuming?: { invoice: string; until: number };
}

interface CheckoutHidden {
  lineItems?: Stripe.LineItem[];
  /** Ids of what is taken off. */
  discounts?: Array<{ coupon: string; promotion_code?: string }>;
  subscriptionData?: Stripe.Checkout.SessionCreateParams.SubscriptionData;
  paymentIntentData?: Stripe.Checkout.SessionCreateParams.PaymentIntentData;
  /** Unix seconds; the end of a trial given as a date. */
  trialEnd?: number;
  /** A payment that waits for 3-D Secure. */
  pending?: { paymentIntent: string | null; paymentMethod: string; email: string | null };
  /** A failed attempt is continued with the same payment intent. */
  paymentIntent?: string;
  asyncOutcome?: { succeeds: boolean; at: number; paymentMethod: string };
}
