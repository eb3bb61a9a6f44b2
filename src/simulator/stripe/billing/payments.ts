import type Stripe from "stripe";
import type { World } from "../world";

export type PaymentOutcome = "succeeded" | "declined" | "requires_action";

export interface PaymentRequest {
  amount: number;
  currency: string;
  customer: string | null;
  paymentMethod: string | null;
  metadata?: Record<string, string>;
  description?: string | null;
  receiptEmail?: string | null;
  setupFutureUsage?: string | null;
  invoice?: string;
  /** An intent to continue after a failed attempt. */
  intent?: string;
}

export const DECLINE = {
  type: "card_error",
  code: "card_declined",
  decline_code: "generic_decline",
  message: "Your card was declined.",
} as const;

/** What an issuer answers when nobody is there to authenticate. */
export const AUTHENTICATION_REQUIRED = {
  type: "card_error",
  code: "authentication_required",
  decline_code: "authentication_required",
  message: "Your card was declined. This transaction requires authentication.",
} as const;

export const EXPIRED = {
  type: "card_error",
  code: "expired_card",
  decline_code: "expired_card",
  message: "Your card has expired.",
} as const;

export type Refusal = typeof DECLINE | typeof AUTHENTICATION_REQUIRED | typeof EXPIRED;

function isExpired(world: World, paymentMethod: string | null): boolean {
  const { expiresAt } = paymentMethod ? world.store.hidden("payment_method", paymentMethod) : {};
  return expiresAt !== undefined && expiresAt <= world.now();
}

/** Why an issuer would decline a payment method now. */
export function refusalOf(world: World, paymentMethod: string | null): Refusal {
  return isExpired(world, paymentMethod) ? EXPIRED : DECLINE;
}

const AUTHENTICATION_FAILURE = {
  type: "invalid_request_error",
  code: "payment_intent_authentication_failure",
  message:
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
} as const;

/** What would happen if a payment method were charged now; `declineNext` is not used up. */
export function expectedOutcome(world: World, paymentMethod: string | null): PaymentOutcome {
  if (!paymentMethod || world.settings.declineNext > 0) return "declined";
  if (world.store.hidden("payment_method", paymentMethod).behaviour === "declines_later") return "declined";
  return setupOutcome(world, paymentMethod);
}

/** What would happen if a card were stored now, for payments later. */
export function setupOutcome(world: World, paymentMethod: string): PaymentOutcome {
  if (isExpired(world, paymentMethod)) return "declined";
  const { behaviour, authenticated } = world.store.hidden("payment_method", paymentMethod);
  if (behaviour === "declines") return "declined";
  if (behaviour === "authenticates_always") return "requires_action";
  if (behaviour === "authenticates_once" && !authenticated) return "requires_action";
  return "succeeded";
}

/** Creates the intent of a payment without charging anything. */
export function createIntent(world: World, payment: PaymentRequest): Stripe.PaymentIntent {
  const intent = world.create("payment_intent", {
    amount: payment.amount,
    amount_details: { tip: {} },
    currency: payment.currency,
    customer: payment.customer,
    payment_method: payment.paymentMethod,
    metadata: payment.metadata ?? {},
    description: payment.description ?? null,
    receipt_email: payment.receiptEmail ?? null,
    payment_method_types: ["card"],
    capture_method: "automatic_async",
    transfer_data: null,
    confirmation_method: "automatic",
    status: payment.paymentMethod ? "requires_confirmation" : "requires_payment_method",
  });
  if (payment.setupFutureUsage) intent.setup_future_usage = payment.setupFutureUsage as "off_session";
  intent.client_secret = `${intent.id}_secret_${world.ids.token("client_secret", 25)}`;
  if (payment.invoice) world.store.hidden("payment_intent", intent.id).invoice = payment.invoice;
  world.emit("payment_intent.created", intent);
  return intent;
}

function createCharge(world: World, intent: Stripe.PaymentIntent, refusal: Refusal | null): Stripe.Charge {
  const isPaid = refusal === null;
  const method = world.store.find("payment_method", (intent.payment_method as string | null) ?? "");
  const charge = world.create("charge", {
    amount: intent.amount,
    amount_captured: isPaid ? intent.amount : 0,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    captured: isPaid,
    paid: isPaid,
    status: isPaid ? "succeeded" : "failed",
    payment_intent: intent.id,
    payment_method: method?.id ?? null,
    receipt_email: intent.receipt_email,
    metadata: { ...intent.metadata },
    failure_code: refusal?.code ?? null,
    failure_message: refusal?.message ?? null,
    calculated_statement_descriptor: "SIMULATED",
  });
  if (method) {
    charge.billing_details = structuredClone(method.billing_details);
    charge.payment_method_details = cardDetails(world, method);
  }
  intent.latest_charge = charge.id;
  return charge;
}

function cardDetails(world: World, method: Stripe.PaymentMethod): Stripe.Charge.PaymentMethodDetails {
  const {
    brand = "",
    last4 = "",
    exp_month = 0,
    exp_year = 0,
    country = null,
    funding = "",
  } = method.card ?? {};
  const card = world.build<Stripe.Charge.PaymentMethodDetails.Card>(
    "Charges:Charge.PaymentMethodDetails.Card",
    {
      brand,
      last4,
      exp_month,
      exp_year,
      country,
      funding,
      network: brand,
    },
  );
  return { type: "card", card };
}

function succeed(world: World, intent: Stripe.PaymentIntent): PaymentOutcome {
  Object.assign(intent, {
    status: "succeeded",
    amount_received: intent.amount,
    last_payment_error: null,
    next_action: null,
  });
  const charge = createCharge(world, intent, null);
  world.emit("charge.succeeded", charge);
  world.emit("payment_intent.succeeded", intent);
  return "succeeded";
}

function decline(world: World, intent: Stripe.PaymentIntent, refusal: Refusal = DECLINE): PaymentOutcome {
  const charge = createCharge(world, intent, refusal);
  const method = world.store.find("payment_method", (intent.payment_method as string | null) ?? "");
  intent.status = "requires_payment_method";
  intent.next_action = null;
  intent.last_payment_error = {
    ...refusal,
    charge: charge.id,
    ...(method ? { payment_method: structuredClone(method) } : {}),
  } as Stripe.PaymentIntent.LastPaymentError;
  intent.payment_method = null;
  world.emit("charge.failed", charge);
  world.emit("payment_intent.payment_failed", intent);
  return "declined";
}

function requireAction(world: World, intent: Stripe.PaymentIntent): PaymentOutcome {
  intent.status = "requires_action";
  intent.next_action = { type: "use_stripe_sdk", use_stripe_sdk: {} };
  world.emit("payment_intent.requires_action", intent);
  return "requires_action";
}

/**
 * Charges a payment method, continuing `payment.intent` when there is one. Off session nobody can authenticate: what
 * would ask for it is declined, and the intent wants another payment method.
 */
export function attemptPayment(
  world: World,
  payment: PaymentRequest,
  offSession = false,
): { outcome: PaymentOutcome; intent: Stripe.PaymentIntent } {
  const intent = payment.intent ? world.get("payment_intent", payment.intent) : createIntent(world, payment);
  intent.payment_method = payment.paymentMethod;
  const outcome = expectedOutcome(world, payment.paymentMethod);
  if (world.settings.declineNext > 0) world.settings.declineNext -= 1;
  if (outcome === "succeeded") return { outcome: succeed(world, intent), intent };
  if (outcome === "requires_action" && offSession)
    return { outcome: decline(world, intent, AUTHENTICATION_REQUIRED), intent };
  if (outcome === "requires_action") return { outcome: requireAction(world, intent), intent };
  return { outcome: decline(world, intent, refusalOf(world, payment.paymentMethod)), intent };
}

/** Ends 3-D Secure: the charge goes through, or the intent asks for another payment method. */
export function finishAuthentication(
  world: World,
  intent: Stripe.PaymentIntent,
  succeeded: boolean,
): PaymentOutcome {
  const method = intent.payment_method as string | null;
  if (succeeded) {
    if (method) world.store.hidden("payment_method", method).authenticated = true;
    return succeed(world, intent);
  }
  intent.status = "requires_payment_method";
  intent.next_action = null;
  intent.payment_method = null;
  intent.last_payment_error = { ...AUTHENTICATION_FAILURE } as Stripe.PaymentIntent.LastPaymentError;
  world.emit("payment_intent.payment_failed", intent);
  return "declined";
}

export const AUTHENTICATION_FAILURE_MESSAGE = AUTHENTICATION_FAILURE.message;
