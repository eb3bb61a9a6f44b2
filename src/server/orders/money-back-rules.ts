import type { Order } from "./place-order";

/** A refund of an order's payment, as Stripe has it. */
export interface RefundFact {
  /** re_… */
  refundId: string;
  /** Minor units of the payment's currency, as all amounts here. */
  amountMinor: bigint;
  status: string;
  createdAt: Date;
}

/** A dispute of an order's payment, as Stripe has it. */
export interface DisputeFact {
  /** du_… */
  disputeId: string;
  amountMinor: bigint;
  status: string;
  reason: string;
  openedAt: Date;
}

/** Inquiries move no money, a won dispute's money is here again, and a prevented one's comes as a refund. */
const NO_MONEY: ReadonlySet<string> = new Set([
  "won",
  "prevented",
  "warning_needs_response",
  "warning_under_review",
  "warning_closed",
]);
const DECIDED: ReadonlySet<string> = new Set(["won", "lost", "prevented", "warning_closed"]);
const FAILED: ReadonlySet<string> = new Set(["failed", "canceled"]);

/** Whether the bank has a dispute's money, for now or for good. A state that we don't know counts: nothing is given for it. */
export function isWithdrawn(status: string): boolean {
  return !NO_MONEY.has(status);
}

/** Whether nothing more is to be expected of a dispute. Even so, Stripe may turn it round. */
export function isDecided(status: string): boolean {
  return DECIDED.has(status);
}

/** Whether a refund's money has gone, or may still go: it can't be refunded once more. */
export function isRefunding({ status }: Pick<RefundFact, "status">): boolean {
  return !FAILED.has(status);
}

/**
 * How much of what was paid is back with the payer: refunds that succeeded, and what the bank has. The same money is
 * never counted twice past the total, whatever came first.
 */
export function moneyBackOf(
  totalMinor: bigint,
  refunds: readonly Pick<RefundFact, "amountMinor" | "status">[],
  disputes: readonly Pick<DisputeFact, "amountMinor" | "status">[],
): bigint {
  const sum = (all: readonly { amountMinor: bigint }[]) =>
    all.reduce((total, { amountMinor }) => total + amountMinor, 0n);
  const back =
    sum(refunds.filter(({ status }) => status === "succeeded")) +
    sum(disputes.filter(({ status }) => isWithdrawn(status)));
  return back < totalMinor ? back : totalMinor;
}

/** The share of what was bought whose money is back: whole units, rounded down, so all of it only for all of the money. */
export function shareOf(
  units: number,
  order: Readonly<{ moneyBackMinor: bigint; totalMinor: bigint }>,
): number {
  if (order.totalMinor === 0n) return 0;
  return Number((BigInt(units) * order.moneyBackMinor) / order.totalMinor);
}

/** An order's status after its payment: disputed for as long as the bank has not decided. */
export function statusOf(
  order: Readonly<{ moneyBackMinor: bigint; totalMinor: bigint }>,
  disputes: readonly Pick<DisputeFact, "status">[],
): Order["status"] {
  if (disputes.some(({ status }) => isWithdrawn(status) && !isDecided(status))) return "disputed";
  if (order.moneyBackMinor === 0n) return "fulfilled";
  return order.moneyBackMinor === order.totalMinor ? "refunded" : "partially_refunded";
}

/** Whether no card is charged by itself from now on: a payment is disputed, or an automatic one was given back. */
export function endsTopUps(
  before: Pick<Order, "moneyBackMinor" | "status" | "origin">,
  after: Pick<Order, "moneyBackMinor" | "status">,
  disputes: readonly Pick<DisputeFact, "status">[],
): boolean {
  if (after.status === "disputed" && before.status !== "disputed") return true;
  if (after.moneyBackMinor <= before.moneyBackMinor) return false;
  return before.origin === "auto_top_up" || disputes.some(({ status }) => isWithdrawn(status));
}
