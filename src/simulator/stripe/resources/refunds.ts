import type Stripe from "stripe";
import { isDisputed, settleRefund } from "../billing/money-back";
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

function refundableAmount(charge: Stripe.Charge, wanted: number | undefined): number {
  const left = charge.amount - charge.amount_refunded;
  if (charge.refunded) {
    throw invalidRequest(
      `Charge ${charge.id} has already been refunded.`,
      undefined,
      "charge_already_refunded",
    );
  }
  const amount = wanted ?? left;
  if (!Number.isInteger(amount) || amount <= 0) {
    throw invalidRequest("Invalid positive integer", "amount", "parameter_invalid_integer");
  }
  if (amount > left) {
    throw invalidRequest(
      `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      "amount",
    );
  }
  return amount;
}

function create(params: Stripe.RefundCreateParams, world: World): Stripe.Refund {
  const charge = chargeOf(world, params);
  if (isDisputed(world, charge.id))
    throw invalidRequest(`Charge ${charge.id} has been charged back.`, undefined, "charge_disputed");
  const amount = refundableAmount(charge, params.amount);
  const start = world.settings.nextRefunds.shift();
  const refund = world.create("refund", {
    amount,
    charge: charge.id,
    currency: charge.currency,
    destination_details: { type: "card", card: { type: "refund", reference_status: "pending" } },
    metadata: mergeMetadata({}, params.metadata),
    payment_intent: charge.payment_intent,
    reason: params.reason ?? null,
    status: start ? "pending" : "succeeded",
  });
  world.emit("refund.created", refund);
  world.change(charge, "charge.refunded", () => {
    charge.amount_refunded += amount;
    charge.refunded = charge.amount_refunded === charge.amount;
  });
  return start === "failed" ? settleRefund(world, refund.id, "failed") : refund;
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
