import type { Policy } from "./prices";

/** An amount of credits from one source, and all that became of it. */
export interface Lot {
  source: string;
  kind: string;
  granted: number;
  /** Held or used by calls. */
  spent: number;
  /** Paid for debts of other lots. */
  repaid: number;
  /** Units of it that shall be back, since their money is. */
  target: number;
  takenBack: number;
  /** Units of it that were written off when it was over. */
  writtenOff: number;
  madeAtMs: number;
  startsAtMs: number;
  expiresAtMs: number | null;
  /** Which other lots paid what it owed, in order. */
  paidBy: { source: string; units: number; atMs: number }[];
  /** Since when it owes; kept when it doesn't any more. */
  sinceMs: number | null;
}

/** A consume or a hold, with what settled it. */
export interface Chain {
  tag: string;
  feature: string;
  /** Of the feature; what may still be refunded. */
  charged: number;
  draws: { source: string; units: number }[];
}

export interface Hold {
  tag: string;
  feature: string;
  units: number;
  expiresAtMs: number;
  status: "open" | "committed" | "released" | "expired";
  actual: number;
}

export type Line = { credits: number; expireAfterDays: number | null } | { plan: string; periods: number };

export interface Order {
  tag: string;
  placedAtMs: number;
  lines: Line[];
  totalMinor: number;
  status: "open" | "fulfilled" | "partially_refunded" | "refunded" | "disputed";
  fulfilledAtMs: number | null;
  /** Of each line; 0 for credits. */
  daysBack: number[];
  /** Minor units of its money that are back, as our side knows. */
  back: number;
  refunds: Refund[];
  disputes: Dispute[];
}

/** As Stripe has it: our side learns of it when it looks. */
export interface Refund {
  id: string;
  amountMinor: number;
  status: "pending" | "succeeded" | "failed";
}
export interface Dispute {
  id: string;
  amountMinor: number;
  status: "needs_response" | "lost" | "won";
}

export interface Refill {
  units: number | null;
  every: "day" | "week" | "month";
  /** Where its periods count from. */
  anchorMs: number;
  startsAtMs: number;
  endsAtMs: number;
  planEndsAtMs: number | null;
}

export interface State {
  policy: Policy;
  timeZone: string;
  anchorMs: number;
  lots: Lot[];
  chains: Record<string, Chain>;
  holds: Record<string, Hold>;
  /** Of calls with a key. */
  keys: Record<string, true>;
  orders: Record<string, Order>;
  refill: Refill | null;
  plan: { plan: string; source: "default" | "prepaid"; endsAtMs: number | null };
  blocked: boolean;
  /** Told that little is left, and not enough since; and how often that was. */
  low: boolean;
  timesLow: number;
  /** Sources, as the engine numbers what is of one instant: an order that nobody promises. */
  byId: Record<"lots" | "debts" | "payers", string[]>;
  /** Codes tried in the running hour; null: none ever. */
  tries: { count: number; endsAtMs: number } | null;
}
