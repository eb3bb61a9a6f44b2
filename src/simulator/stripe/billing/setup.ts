import type Stripe from "stripe";
import type { World } from "../world";
import { attachCard } from "./cards";
import { type PaymentOutcome, refusalOf, setupOutcome } from "./payments";

interface NewSetup {
  customer: string | null;
  paymentMethod?: string | null;
  metadata: Record<string, string>;
  description?: string | null;
  usage?: string;
}

/** Creates the intent to store a card, without one or before it is confirmed. */
export function createSetup(world: World, wanted: NewSetup): Stripe.SetupIntent {
  const intent = world.create("setup_intent", {
    customer: wanted.customer,
    description: wanted.description ?? null,
    flow_directions: null,
    metadata: wanted.metadata,
    payment_method: wanted.paymentMethod ?? null,
    payment_method_types: ["card"],
    status: wanted.paymentMethod ? "requires_confirmation" : "requires_payment_method",
    usage: wanted.usage ?? "off_session",
  });
  intent.client_secret = `${intent.id}_secret_${world.ids.token("client_secret", 25)}`;
  world.emit("setup_intent.created", intent);
  return intent;
}

function fail(world: World, intent: Stripe.SetupIntent, error: object): PaymentOutcome {
  const method = world.store.find("payment_method", (intent.payment_method as string | null) ?? "");
  Object.assign(intent, { status: "requires_payment_method", next_action: null, payment_method: null });
  intent.last_setup_error = {
    ...error,
    ...(method ? { payment_method: structuredClone(method) } : {}),
  } as Stripe.SetupIntent.LastSetupError;
  world.emit("setup_intent.setup_failed", intent);
  return "declined";
}

function succeed(world: World, intent: Stripe.SetupIntent, method: Stripe.PaymentMethod): PaymentOutcome {
  Object.assign(intent, { status: "succeeded", next_action: null, last_setup_error: null });
  const isNew = intent.customer !== null && method.customer === null;
  if (isNew) attachCard(world, method, intent.customer as string);
  world.emit("setup_intent.succeeded", intent);
  return "succeeded";
}

/** Stores a card with the customer of an intent; nothing is charged. */
export function confirmSetup(
  world: World,
  intent: Stripe.SetupIntent,
  method: Stripe.PaymentMethod,
): PaymentOutcome {
  intent.payment_method = method.id;
  const outcome = setupOutcome(world, method.id);
  if (outcome === "succeeded") return succeed(world, intent, method);
  if (outcome === "declined") return fail(world, intent, refusalOf(world, method.id));
  Object.assign(intent, {
    status: "requires_action",
    next_action: { type: "use_stripe_sdk", use_stripe_sdk: {} },
  });
  world.emit("setup_intent.requires_action", intent);
  return "requires_action";
}

/** Ends 3-D Secure: the card is stored, or another one is asked for. */
export function finishSetup(world: World, intent: Stripe.SetupIntent, succeeded: boolean): PaymentOutcome {
  const method = world.get("payment_method", intent.payment_method as string);
  if (!succeeded) {
    return fail(world, intent, {
      type: "invalid_request_error",
      code: "setup_intent_authentication_failure",
      message: "The latest attempt to set up the payment method has failed because authentication failed.",
    });
  }
  world.store.hidden("payment_method", method.id).authenticated = true;
  return succeed(world, intent, method);
}
