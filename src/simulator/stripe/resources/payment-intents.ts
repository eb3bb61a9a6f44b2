import type Stripe from "stripe";
import { attemptPayment, createIntent, DECLINE, type PaymentRequest } from "../billing/payments";
import { mergeMetadata } from "../changes";
import { cardError, invalidRequest } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const CREATE =
  "amount currency customer payment_method confirm off_session metadata description receipt_email " +
  "setup_future_usage automatic_payment_methods";

/** The error of a refused charge, as the intent keeps it. */
function refused(intent: Stripe.PaymentIntent): Error {
  const { code = DECLINE.code, decline_code, message = DECLINE.message } = intent.last_payment_error ?? {};
  return cardError({ code, decline_code: decline_code ?? code, message, payment_intent: intent });
}

function confirmWith(world: World, request: PaymentRequest, offSession: boolean): Stripe.PaymentIntent {
  const { outcome, intent } = attemptPayment(world, request, offSession);
  if (outcome === "declined") throw refused(intent);
  return intent;
}

function requestOf(world: World, params: Stripe.PaymentIntentCreateParams): PaymentRequest {
  if (!Number.isInteger(params.amount) || params.amount <= 0) {
    throw invalidRequest("Invalid positive integer", "amount", "parameter_invalid_integer");
  }
  if (params.customer) world.get("customer", params.customer, "customer");
  if (params.payment_method) {
    const method = world.get("payment_method", params.payment_method, "payment_method");
    if (method.customer && method.customer !== params.customer) {
      throw invalidRequest("The payment method belongs to another customer.", "payment_method");
    }
  }
  return {
    amount: params.amount,
    currency: params.currency.toLowerCase(),
    customer: params.customer ?? null,
    paymentMethod: params.payment_method ?? null,
    metadata: mergeMetadata({}, params.metadata),
    description: params.description ?? null,
    receiptEmail: params.receipt_email || null,
    setupFutureUsage: params.setup_future_usage ?? null,
  };
}

function create(params: Stripe.PaymentIntentCreateParams, world: World): Stripe.PaymentIntent {
  const request = requestOf(world, params);
  if (!params.confirm) return createIntent(world, request);
  if (!request.paymentMethod)
    throw invalidRequest("You cannot confirm without a payment method.", "payment_method");
  return confirmWith(world, request, params.off_session === true);
}

function confirm(params: Stripe.PaymentIntentConfirmParams, world: World, id: string): Stripe.PaymentIntent {
  const intent = world.get("payment_intent", id);
  if (!["requires_confirmation", "requires_payment_method"].includes(intent.status)) {
    throw invalidRequest(
      `This PaymentIntent's status is ${intent.status}.`,
      undefined,
      "payment_intent_unexpected_state",
    );
  }
  const paymentMethod = params.payment_method ?? (intent.payment_method as string | null);
  if (!paymentMethod) throw invalidRequest("You cannot confirm without a payment method.", "payment_method");
  world.get("payment_method", paymentMethod, "payment_method");
  const { amount, currency } = intent;
  const request = { amount, currency, customer: intent.customer as string | null, paymentMethod, intent: id };
  return confirmWith(world, request, params.off_session === true);
}

function cancel(params: Stripe.PaymentIntentCancelParams, world: World, id: string): Stripe.PaymentIntent {
  const intent = world.get("payment_intent", id);
  if (["succeeded", "canceled", "processing"].includes(intent.status)) {
    const message = `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`;
    throw invalidRequest(message, undefined, "payment_intent_unexpected_state");
  }
  intent.status = "canceled";
  intent.canceled_at = world.now();
  intent.cancellation_reason = params.cancellation_reason ?? null;
  world.emit("payment_intent.canceled", intent);
  return intent;
}

export const paymentIntentRoutes = [
  route<Stripe.PaymentIntentCreateParams>("POST", "/payment_intents", CREATE, (params, { world }) =>
    create(params, world),
  ),
  route("GET", "/payment_intents/{}", "", (_, { world, ids }) => world.get("payment_intent", ids[0]!)),
  route<Stripe.PaymentIntentUpdateParams>(
    "POST",
    "/payment_intents/{}",
    "metadata description",
    (params, { world, ids }) => {
      const intent = world.get("payment_intent", ids[0]!);
      intent.metadata = mergeMetadata(intent.metadata, params.metadata);
      if (params.description !== undefined) intent.description = params.description || null;
      return intent;
    },
  ),
  route<Stripe.PaymentIntentConfirmParams>(
    "POST",
    "/payment_intents/{}/confirm",
    "payment_method off_session",
    (params, { world, ids }) => confirm(params, world, ids[0]!),
  ),
  route<Stripe.PaymentIntentCancelParams>(
    "POST",
    "/payment_intents/{}/cancel",
    "cancellation_reason",
    (params, { world, ids }) => cancel(params, world, ids[0]!),
  ),
  route<Stripe.PaymentIntentListParams>(
    "GET",
    "/payment_intents",
    "customer created limit starting_after ending_before",
    (params, { world, path }) => {
      const isListed = (intent: Stripe.PaymentIntent) =>
        !params.customer || intent.customer === params.customer;
      return listPage(path, world.store.all("payment_intent"), params, isListed);
    },
  ),
];
