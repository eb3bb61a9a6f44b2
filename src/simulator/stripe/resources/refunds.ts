import type Stripe from "stripe";
import { settleRefund } from "../billing/money-back";
import { refundCharge } from "../billing/refunding";
import { mergeMetadata } from "../changes";
import { invalidRequest } from "../errors";
import { equals, listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

function chargeOf(world: World, params: Stripe.RefundCreateParams): Stripe.Charge {
  if (params.charge) return world.get("charge", params.charge, "charge");
  if (!params.payment_intent) {
    throw invalidRequest(
      "One of the following params should be provided for this request: payment_intent or charge.",
    );
  }
  const intent = world.get("payment_intent", params.payment_intent, "payment_intent");
  if (intent.status !== "succeeded") {
    throw invalidRequest("This PaymentIntent does not have a successful charge to refund.", "payment_intent");
  }
  return world.get("charge", intent.latest_charge as string);
}

function create(params: Stripe.RefundCreateParams, world: World): Stripe.Refund {
  const { amount, reason, metadata } = params;
  return refundCharge(world, chargeOf(world, params), {
    ...(amount === undefined ? {} : { amount }),
    reason: reason ?? null,
    metadata,
  });
}

export const refundRoutes = [
  route<Stripe.RefundCreateParams>(
    "POST",
    "/refunds",
    "charge payment_intent amount reason metadata",
    (params, { world }) => create(params, world),
  ),
  route("GET", "/refunds/{}", "", (_, { world, ids }) => world.get("refund", ids[0]!)),
  route<Stripe.RefundUpdateParams>("POST", "/refunds/{}", "metadata", (params, { world, ids }) =>
    world.change(world.get("refund", ids[0]!), "refund.updated", (refund) => {
      refund.metadata = mergeMetadata(refund.metadata ?? {}, params.metadata);
    }),
  ),
  route("POST", "/refunds/{}/cancel", "", (_, { world, ids }) => settleRefund(world, ids[0]!, "canceled")),
  route<Stripe.RefundListParams>(
    "GET",
    "/refunds",
    "charge payment_intent created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(
        path,
        world.store.all("refund"),
        params,
        equals<Stripe.Refund>(params, "charge", "payment_intent"),
      ),
  ),
];
