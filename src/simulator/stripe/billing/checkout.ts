import type Stripe from "stripe";
import type { World } from "../world";
import { attachCard, createCard, PAGE_CARDS, type PageCard } from "./cards";
import { createCustomer } from "./catalog";
import { assertStillRedeemable, redeemAll, sessionDiscounts } from "./checkout-totals";
import { collect } from "./collection";
import { paidInvoice } from "./invoices";
import {
  attemptPayment,
  createIntent,
  expectedOutcome,
  finishAuthentication,
  type PaymentOutcome,
  type PaymentRequest,
  setupOutcome,
} from "./payments";
import { daysLater } from "./periods";
import { confirmSetup, finishSetup } from "./setup";
import { createSubscription } from "./subscriptions";

/** What the person chose on the hosted page. */
export interface CheckoutChoice {
  /** Null when nothing is to be paid and no card is asked for. */
  card: PageCard | null;
  email: string | null;
  /** A payment that is confirmed days later, as with a bank debit. */
  async?: "succeeds" | "fails";
}

const ASYNC_PAYMENT_DAYS = 3;

function hiddenOf(world: World, session: Stripe.Checkout.Session) {
  return world.store.hidden("checkout.session", session.id);
}

/** Whether the page must ask for a card. */
export function needsCard(session: Stripe.Checkout.Session): boolean {
  return (
    session.mode === "setup" ||
    session.payment_method_collection !== "if_required" ||
    (session.amount_total ?? 0) > 0
  );
}

function paymentRequest(
  world: World,
  session: Stripe.Checkout.Session,
  paymentMethod: string | null,
): PaymentRequest {
  const { paymentIntentData: data, paymentIntent } = hiddenOf(world, session);
  return {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? "usd",
    customer: session.customer as string | null,
    paymentMethod,
    metadata: Object.fromEntries(
      Object.entries(data?.metadata ?? {}).map(([key, value]) => [key, String(value)]),
    ),
    description: data?.description ?? null,
    receiptEmail: data?.receipt_email ?? null,
    setupFutureUsage: data?.setup_future_usage ?? null,
    ...(paymentIntent ? { intent: paymentIntent } : {}),
  };
}

function ensureCustomer(world: World, session: Stripe.Checkout.Session, email: string | null): void {
  const isGuest = session.mode !== "subscription" && session.customer_creation !== "always";
  if (session.customer || isGuest) return;
  session.customer = createCustomer(world, { email }).id;
}

function complete(
  world: World,
  session: Stripe.Checkout.Session,
  email: string | null,
  fields: Partial<Stripe.Checkout.Session>,
): void {
  const customer = session.customer ? world.get("customer", session.customer as string) : null;
  if (customer && customer.email === null && email) {
    world.change(customer, "customer.updated", () => {
      customer.email = email;
    });
  }
  session.customer_details = world.build<Stripe.Checkout.Session.CustomerDetails>(
    "Checkout/Sessions:Session.CustomerDetails",
    {
      email: email ?? customer?.email ?? null,
      name: customer?.name ?? null,
      tax_exempt: "none",
      tax_ids: [],
    },
  );
  Object.assign(session, { status: "complete", url: null, ...fields });
  world.emit("checkout.session.completed", session);
}

function completeSubscription(
  world: World,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod | null,
  email: string | null,
  isLater = false,
): void {
  const { lineItems = [], subscriptionData: data, trialEnd } = hiddenOf(world, session);
  const customer = session.customer as string;
  if (method) attachCard(world, method, customer);
  const wanted = lineItems.map((line) => ({ price: line.price!, quantity: line.quantity ?? 1 }));
  const { subscription } = createSubscription(world, {
    customer,
    items: wanted.filter(({ price }) => price.recurring),
    oneTime: wanted.filter(({ price }) => !price.recurring),
    isTaxed: session.automatic_tax.enabled,
    paymentMethod: method?.id ?? null,
    metadata: Object.fromEntries(
      Object.entries(data?.metadata ?? {}).map(([key, value]) => [key, String(value)]),
    ),
    description: data?.description ?? null,
    trialEnd: data?.trial_period_days ? daysLater(world.now(), data.trial_period_days) : (trialEnd ?? null),
    missingMethod: data?.trial_settings?.end_behavior.missing_payment_method as "cancel" | undefined,
    discounts: sessionDiscounts(world, session),
    collects: !isLater,
  });
  // While its first payment is on the way, it runs.
  if (isLater)
    world.change(subscription, "customer.subscription.updated", () => {
      subscription.status = "active";
    });
  const isFree = session.amount_total === 0;
  complete(world, session, email, {
    payment_status: isFree ? "no_payment_required" : isLater ? "unpaid" : "paid",
    subscription: subscription.id,
    invoice: subscription.latest_invoice,
  });
}

function completePayment(
  world: World,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod | null,
  email: string | null,
  intent: Stripe.PaymentIntent | null,
): void {
  const customer = session.customer as string | null;
  if (customer && method && intent?.setup_future_usage) attachCard(world, method, customer);
  const discounts = redeemAll(world, session);
  const invoice =
    session.invoice_creation?.enabled && customer
      ? paidInvoice(world, customer, intent, hiddenOf(world, session).lineItems ?? [], discounts)
      : null;
  complete(world, session, email, {
    payment_status: intent ? "paid" : "no_payment_required",
    payment_intent: intent?.id ?? null,
    ...(invoice ? { invoice: invoice.id } : {}),
  });
}

function startAsync(world: World, session: Stripe.Checkout.Session, choice: CheckoutChoice): void {
  const method = createCard(world, PAGE_CARDS.success, choice.email);
  if (session.mode === "subscription") {
    completeSubscription(world, session, method, choice.email, true);
    hiddenOf(world, session).asyncOutcome = asyncOutcomeOf(world, choice, method);
    return;
  }
  const intent = createIntent(world, paymentRequest(world, session, method.id));
  intent.status = "processing";
  world.emit("payment_intent.processing", intent);
  const asyncOutcome = asyncOutcomeOf(world, choice, method);
  Object.assign(hiddenOf(world, session), { paymentIntent: intent.id, asyncOutcome });
  redeemAll(world, session);
  complete(world, session, choice.email, { payment_status: "unpaid", payment_intent: intent.id });
}

function asyncOutcomeOf(world: World, { async }: CheckoutChoice, { id }: Stripe.PaymentMethod) {
  const at = daysLater(world.now(), ASYNC_PAYMENT_DAYS);
  return { succeeds: async === "succeeds", at, paymentMethod: id };
}

function payLater(world: World, session: Stripe.Checkout.Session, paymentMethod: string): PaymentOutcome {
  if (session.mode === "payment")
    return attemptPayment(world, paymentRequest(world, session, paymentMethod)).outcome;
  const invoice = world.get("invoice", session.invoice as string);
  return collect(world, invoice, { automatic: true });
}

/** Ends a payment that took days. */
export function settleAsyncPayment(world: World, session: Stripe.Checkout.Session): void {
  const hidden = hiddenOf(world, session);
  const { asyncOutcome } = hidden;
  if (!asyncOutcome) return;
  delete hidden.asyncOutcome;
  const method = world.store.hidden("payment_method", asyncOutcome.paymentMethod);
  method.behaviour = asyncOutcome.succeeds ? "succeeds" : "declines";
  const outcome = payLater(world, session, asyncOutcome.paymentMethod);
  if (outcome === "succeeded") session.payment_status = "paid";
  world.emit(`checkout.session.async_payment_${outcome === "succeeded" ? "succeeded" : "failed"}`, session);
}

function finish(
  world: World,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod | null,
  email: string | null,
): PaymentOutcome {
  ensureCustomer(world, session, email);
  if (session.mode === "setup") complete(world, session, email, {});
  if (session.mode === "setup") return "succeeded";
  if (session.mode === "subscription") completeSubscription(world, session, method, email);
  else if (!method) completePayment(world, session, null, email, null);
  if (session.mode === "subscription" || !method) return "succeeded";
  const { outcome, intent } = attemptPayment(world, paymentRequest(world, session, method.id));
  hiddenOf(world, session).paymentIntent = intent.id;
  if (outcome === "succeeded") completePayment(world, session, method, email, intent);
  return outcome;
}

function setupOf(world: World, session: Stripe.Checkout.Session): Stripe.SetupIntent {
  return world.get("setup_intent", session.setup_intent as string);
}

function storeCard(
  world: World,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod,
  email: string | null,
): PaymentOutcome {
  const outcome = confirmSetup(world, setupOf(world, session), method);
  if (outcome === "succeeded") return finish(world, session, method, email);
  if (outcome === "requires_action") {
    hiddenOf(world, session).pending = { paymentIntent: null, paymentMethod: method.id, email };
  }
  return outcome;
}

/** Pays an open session. On a decline or a request to authenticate it stays open. */
export function payCheckout(
  world: World,
  session: Stripe.Checkout.Session,
  choice: CheckoutChoice,
): PaymentOutcome {
  const hidden = hiddenOf(world, session);
  for (const discount of sessionDiscounts(world, session)) assertStillRedeemable(world, session, discount);
  if (choice.async && session.mode !== "setup" && needsCard(session)) {
    ensureCustomer(world, session, choice.email);
    startAsync(world, session, choice);
    return "succeeded";
  }
  if (!needsCard(session)) return finish(world, session, null, choice.email);
  const method = createCard(world, PAGE_CARDS[choice.card ?? "success"], choice.email);
  if (session.mode === "setup") return storeCard(world, session, method, choice.email);
  const isCharged = (session.amount_total ?? 0) > 0;
  const outcome = isCharged ? expectedOutcome(world, method.id) : setupOutcome(world, method.id);
  if (outcome === "succeeded") return finish(world, session, method, choice.email);
  if (isCharged && (outcome === "declined" || session.mode === "payment")) {
    hidden.paymentIntent = attemptPayment(world, paymentRequest(world, session, method.id)).intent.id;
  } else if (outcome === "declined" && world.settings.declineNext > 0) {
    world.settings.declineNext -= 1;
  }
  if (outcome === "requires_action") {
    const paymentIntent = session.mode === "payment" ? (hidden.paymentIntent ?? null) : null;
    hidden.pending = { paymentIntent, paymentMethod: method.id, email: choice.email };
  }
  return outcome;
}

/** Ends the 3-D Secure step; a failed one leaves the session open for another try. */
export function authenticateCheckout(
  world: World,
  session: Stripe.Checkout.Session,
  succeeded: boolean,
): PaymentOutcome {
  const hidden = hiddenOf(world, session);
  const { pending } = hidden;
  if (!pending) return "declined";
  delete hidden.pending;
  const method = world.get("payment_method", pending.paymentMethod);
  if (session.mode === "setup") {
    const outcome = finishSetup(world, setupOf(world, session), succeeded);
    return outcome === "succeeded" ? finish(world, session, method, pending.email) : outcome;
  }
  if (succeeded) world.store.hidden("payment_method", method.id).authenticated = true;
  if (!pending.paymentIntent) return succeeded ? finish(world, session, method, pending.email) : "declined";
  const intent = world.get("payment_intent", pending.paymentIntent);
  if (succeeded) ensureCustomer(world, session, pending.email);
  intent.customer = session.customer as string | null;
  const outcome = finishAuthentication(world, intent, succeeded);
  if (outcome === "succeeded") completePayment(world, session, method, pending.email, intent);
  return outcome;
}

/** Ends an open session without payment. */
export function expireSession(world: World, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  session.status = "expired";
  session.url = null;
  world.emit("checkout.session.expired", session);
  return session;
}
