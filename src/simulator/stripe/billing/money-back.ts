import type Stripe from "stripe";
import { invalidRequest } from "../errors";
import type { World } from "../world";

/** A dispute's state as a test or a person sets it. Warnings are inquiries: no money moves. */
export type DisputeStatus = Extract<Stripe.Dispute.Status, string>;

export interface DisputeRequest {
  /** The payment intent or the charge. */
  payment: string;
  /** Minor units; left out: all that was charged. */
  amount?: number;
  /** The bank's own, if it claims in another one than was charged. */
  currency?: string;
  reason?: string;
  /** `needs_response` unless told; `warning_needs_response` opens an inquiry. */
  status?: DisputeStatus;
}

const CLOSED: ReadonlySet<string> = new Set(["won", "lost", "warning_closed", "prevented"]);
/** While a dispute is in one of these, its money is with the card's owner. */
const WITHDRAWN: ReadonlySet<string> = new Set([
  "needs_response",
  "under_review",
  "lost",
  "appeal_needs_response",
  "appeal_under_review",
]);

/** The card's owner asks the bank for the money back. */
export function openDispute(world: World, request: DisputeRequest): Stripe.Dispute {
  const charge = chargeOf(world, request.payment);
  const { amount = charge.amount, reason = "fraudulent", status = "needs_response" } = request;
  const { currency = charge.currency } = request;
  if (!Number.isInteger(amount) || amount < 1 || amount > charge.amount)
    throw invalidRequest("A dispute is about a part of what was charged.", "amount");
  const dispute = world.create("dispute", {
    amount,
    charge: charge.id,
    currency,
    is_charge_refundable: status.startsWith("warning_"),
    payment_intent: charge.payment_intent,
    reason,
    status,
  });
  world.change(charge, "charge.updated", () => {
    charge.disputed = true;
  });
  world.emit("charge.dispute.created", dispute);
  if (WITHDRAWN.has(status)) world.emit("charge.dispute.funds_withdrawn", dispute);
  return dispute;
}

/** What the bank decides, or what becomes of an inquiry. A decision may be turned round. */
export function setDisputeStatus(world: World, id: string, status: DisputeStatus): Stripe.Dispute {
  const dispute = world.get("dispute", id);
  const was = dispute.status;
  const type = CLOSED.has(status) ? "charge.dispute.closed" : "charge.dispute.updated";
  world.change(dispute, type, () => {
    dispute.status = status;
    dispute.is_charge_refundable = status.startsWith("warning_");
  });
  const [wasWithdrawn, isWithdrawn] = [WITHDRAWN.has(was), WITHDRAWN.has(status)];
  if (wasWithdrawn && !isWithdrawn) world.emit("charge.dispute.funds_reinstated", dispute);
  if (!wasWithdrawn && isWithdrawn) world.emit("charge.dispute.funds_withdrawn", dispute);
  return dispute;
}

/** Ends a refund that was pending, or one that the bank sends back later. What failed may be refunded again. */
export function settleRefund(
  world: World,
  id: string,
  status: "succeeded" | "failed" | "canceled",
): Stripe.Refund {
  const refund = world.get("refund", id);
  const isBack = status !== "succeeded";
  const wasBack = refund.status === "failed" || refund.status === "canceled";
  if (wasBack) throw invalidRequest(`Refund ${id} is ${refund.status}.`);
  world.changeWith(refund, "refund.updated", (announce) => {
    refund.status = status;
    if (status === "failed") refund.failure_reason = "lost_or_stolen_card";
    announce();
  });
  if (!isBack) return refund;
  const charge = world.get("charge", refund.charge as string);
  charge.amount_refunded -= refund.amount;
  charge.refunded = false;
  if (status === "failed") world.emit("refund.failed", refund);
  return refund;
}

/** An open dispute about money that moved: Stripe refunds no such charge. */
export function isDisputed(world: World, charge: string): boolean {
  return world.store.all("dispute").some((one) => one.charge === charge && WITHDRAWN.has(one.status));
}

function chargeOf(world: World, payment: string): Stripe.Charge {
  const charge = payment.startsWith("pi_")
    ? world.get("charge", (world.get("payment_intent", payment, "payment").latest_charge as string) ?? "")
    : world.get("charge", payment, "payment");
  if (charge.status !== "succeeded") throw invalidRequest("Only a paid charge can be disputed.", "payment");
  return charge;
}
