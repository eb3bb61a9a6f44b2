import type Stripe from "stripe";
import { attachCard, createCard, detachCard, testCardOf } from "../billing/cards";
import { DECLINE } from "../billing/payments";
import { mergeMetadata } from "../changes";
import { cardError, invalidRequest, noSuch, notSimulated } from "../errors";
import { equals, listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const DECLINED_AT_ONCE = new Set([
  "pm_card_chargeDeclined",
  "pm_card_visa_chargeDeclined",
  "tok_chargeDeclined",
]);

function cardFromToken(world: World, token: string): Stripe.PaymentMethod {
  if (DECLINED_AT_ONCE.has(token)) throw cardError(DECLINE);
  const card = testCardOf(token);
  if (!card) throw noSuch("PaymentMethod", token);
  return createCard(world, card, null);
}

function create(params: Stripe.PaymentMethodCreateParams, world: World): Stripe.PaymentMethod {
  const card = params.card as { token?: string } | undefined;
  if (params.type !== "card" || !card?.token)
    throw notSimulated("payment methods other than cards made from a token");
  const method = cardFromToken(world, card.token);
  method.metadata = mergeMetadata({}, params.metadata);
  return method;
}

/** Attaches a stored card, or a new one made from a test token such as `pm_card_visa`. */
function attach(params: Stripe.PaymentMethodAttachParams, world: World, id: string): Stripe.PaymentMethod {
  const customer = world.get("customer", params.customer ?? "", "customer");
  const method = world.store.find("payment_method", id) ?? cardFromToken(world, id);
  if (method.customer && method.customer !== customer.id) {
    throw invalidRequest("The payment method you provided has already been attached to a customer.");
  }
  return attachCard(world, method, customer.id);
}

function detach(world: World, id: string): Stripe.PaymentMethod {
  const method = world.get("payment_method", id);
  if (!method.customer)
    throw invalidRequest("The payment method you provided is not attached to a customer.");
  return detachCard(world, method);
}

export const paymentMethodRoutes = [
  route<Stripe.PaymentMethodCreateParams>(
    "POST",
    "/payment_methods",
    "type card.token metadata",
    (params, { world }) => create(params, world),
  ),
  route("GET", "/payment_methods/{}", "", (_, { world, ids }) => world.get("payment_method", ids[0]!)),
  route<Stripe.PaymentMethodUpdateParams>(
    "POST",
    "/payment_methods/{}",
    "metadata",
    (params, { world, ids }) =>
      world.change(world.get("payment_method", ids[0]!), "payment_method.updated", (method) => {
        method.metadata = mergeMetadata(method.metadata ?? {}, params.metadata);
      }),
  ),
  route<Stripe.PaymentMethodAttachParams>(
    "POST",
    "/payment_methods/{}/attach",
    "customer",
    (params, { world, ids }) => attach(params, world, ids[0]!),
  ),
  route("POST", "/payment_methods/{}/detach", "", (_, { world, ids }) => detach(world, ids[0]!)),
  route<Stripe.PaymentMethodListParams>(
    "GET",
    "/payment_methods",
    "customer type limit starting_after ending_before",
    (params, { world, path }) => {
      if (params.customer) world.get("customer", params.customer, "customer");
      const isListed = equals<Stripe.PaymentMethod>(params, "customer", "type");
      const isAttached = (method: Stripe.PaymentMethod) => method.customer !== null && isListed(method);
      return listPage(path, world.store.all("payment_method"), params, isAttached);
    },
  ),
];
