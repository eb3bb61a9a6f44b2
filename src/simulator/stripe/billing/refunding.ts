import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { invalidRequest } from "../errors";
import type { World } from "../world";
import { isDisputed, settleRefund } from "./money-back";

interface RefundRequest {
  /** Minor units; left out: all that is left. */
  amount?: number;
  reason?: Stripe.Refund.Reason | null;
  metadata?: Stripe.RefundCreateParams["metadata"];
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

/** Gives money of a charge back. @throws StripeApiError 400 for more than is left, or a charge that is disputed. */
export function refundCharge(world: World, charge: Stripe.Charge, request: RefundRequest): Stripe.Refund {
  if (isDisputed(world, charge.id))
    throw invalidRequest(`Charge ${charge.id} has been charged back.`, undefined, "charge_disputed");
  const amount = refundableAmount(charge, request.amount);
  const start = world.settings.nextRefunds.shift();
  const refund = world.create("refund", {
    amount,
    charge: charge.id,
    currency: charge.currency,
    destination_details: { type: "card", card: { type: "refund", reference_status: "pending" } },
    metadata: mergeMetadata({}, request.metadata),
    payment_intent: charge.payment_intent,
    reason: request.reason ?? null,
    status: start ? "pending" : "succeeded",
  });
  world.emit("refund.created", refund);
  world.change(charge, "charge.refunded", () => {
    charge.amount_refunded += amount;
    charge.refunded = charge.amount_refunded === charge.amount;
  });
  return start === "failed" ? settleRefund(world, refund.id, "failed") : refund;
}
