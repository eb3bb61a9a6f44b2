import type Stripe from "stripe";
import { refusalOf } from "../billing/payments";
import { confirmSetup, createSetup } from "../billing/setup";
import { mergeMetadata } from "../changes";
import { cardError, invalidRequest } from "../errors";
import { equals, listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

function confirmWith(world: World, intent: Stripe.SetupIntent, method: string): Stripe.SetupIntent {
  const stored = world.get("payment_method", method, "payment_method");
  if (confirmSetup(world, intent, stored) === "declined") {
    throw cardError({ ...refusalOf(world, method), setup_intent: intent });
  }
  return intent;
}

function create(params: Stripe.SetupIntentCreateParams, world: World): Stripe.SetupIntent {
  if (params.customer) world.get("customer", params.customer, "customer");
  if (params.payment_method) world.get("payment_method", params.payment_method, "payment_method");
  if (params.confirm && !params.payment_method) {
    throw invalidRequest("You cannot confirm without a payment method.", "payment_method");
  }
  const intent = createSetup(world, {
    customer: params.customer ?? null,
    paymentMethod: params.payment_method ?? null,
    metadata: mergeMetadata({}, params.metadata),
    description: params.description ?? null,
    ...(params.usage ? { usage: params.usage } : {}),
  });
  return params.confirm ? confirmWith(world, intent, params.payment_method!) : intent;
}

function confirm(params: Stripe.SetupIntentConfirmParams, world: World, id: string): Stripe.SetupIntent {
  const intent = world.get("setup_intent", id);
  const method = params.payment_method ?? (intent.payment_method as string | null);
  if (!["requires_confirmation", "requires_payment_method"].includes(intent.status)) {
    const message = `This SetupIntent's status is ${intent.status}.`;
    throw invalidRequest(message, undefined, "setup_intent_unexpected_state");
  }
  if (!method) throw invalidRequest("You cannot confirm without a payment method.", "payment_method");
  return confirmWith(world, intent, method);
}

function cancel(params: Stripe.SetupIntentCancelParams, world: World, id: string): Stripe.SetupIntent {
  const intent = world.get("setup_intent", id);
  if (["succeeded", "canceled"].includes(intent.status)) {
    const message = `You cannot cancel this SetupIntent because it has a status of ${intent.status}.`;
    throw invalidRequest(message, undefined, "setup_intent_unexpected_state");
  }
  intent.status = "canceled";
  intent.cancellation_reason = params.cancellation_reason ?? null;
  world.emit("setup_intent.canceled", intent);
  return intent;
}

export const setupIntentRoutes = [
  route<Stripe.SetupIntentCreateParams>(
    "POST",
    "/setup_intents",
    "customer payment_method confirm usage metadata description automatic_payment_methods",
    (params, { world }) => create(params, world),
  ),
  route("GET", "/setup_intents/{}", "", (_, { world, ids }) => world.get("setup_intent", ids[0]!)),
  route<Stripe.SetupIntentConfirmParams>(
    "POST",
    "/setup_intents/{}/confirm",
    "payment_method",
    (params, { world, ids }) => confirm(params, world, ids[0]!),
  ),
  route<Stripe.SetupIntentCancelParams>(
    "POST",
    "/setup_intents/{}/cancel",
    "cancellation_reason",
    (params, { world, ids }) => cancel(params, world, ids[0]!),
  ),
  route<Stripe.SetupIntentListParams>(
    "GET",
    "/setup_intents",
    "customer payment_method created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(
        path,
        world.store.all("setup_intent"),
        params,
        equals<Stripe.SetupIntent>(params, "customer", "payment_method"),
      ),
  ),
];
