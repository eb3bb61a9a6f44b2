import type { PriceList } from "@/lib/price-list";
import type { Denial } from "../errors";
import type { GateAnswer } from "../ledger/answer";
import { waysOut } from "./ways-out";

/** The receipt of a decision that was carried out. */
export interface Consumed {
  allowed: true;
  /** true: this is the stored receipt of an earlier call with the same key; nothing was charged now. */
  replayed: boolean;
  entryId: string;
  feature: string;
  units: number;
  /** Of this window's allowance, after the call. */
  used: number;
  /** null: unlimited. */
  limit: number | null;
  remaining: number | null;
  windowStartsAt: Date | null;
  resetsAt: Date | null;
  /** Where the units came from, in the order they were drawn. */
  drawn: { allowance: number; lots: { lotId: string; units: number }[]; credits: number };
  /** Units that nothing covered: overage to be billed, or let through by a limit that only warns. */
  overUnits: number;
  /** Set when the call went past a limit that warns, or that somebody agreed to pass. */
  warning: "over_limit" | null;
  /** The share of the allowance, in per cent, that this call crossed. */
  crossed: number | null;
  planVersion: string;
}

const REASONS = [
  /** Nothing is left that may be spent. */
  "quota",
  /** The allowance is used up, and there are too few credits to go on with. */
  "no_credits",
  "not_in_plan",
  /** The account may not consume at all. */
  "blocked",
  /** Larger than a single call may be. */
  "request_cap",
  /** More than one window may see, whatever would pay for it. */
  "window_cap",
  /** The tenant's own ceiling for overage. */
  "spend_cap",
  /** Ask a person, then call again with `confirmed`. */
  "confirm",
] as const;
export type DenialReason = (typeof REASONS)[number];

/** Why not, and what would help. Nothing was written. */
export interface Denied extends Denial {
  allowed: false;
  reason: DenialReason;
  blockedBecause: string | null;
  planVersion: string | null;
  message: string;
}

export type Receipt = Consumed | Denied;

/** What `check` answers: the same decision, with nothing written. */
export type Decision = Denied | Omit<Consumed, "entryId" | "replayed" | "crossed">;

interface Asked {
  feature: string;
  units: number;
}

/** Written out field by field: a spread would make it a dictionary, which costs a call more than all its other objects. */
export function consumed(prices: PriceList, asked: Asked, answer: GateAnswer): Consumed {
  const replayed = answer.status === "replayed";
  // The units that were charged then, whatever the same costs come to at the rates of now. Unknown of an archived entry.
  const stored = replayed && answer.planVersion !== null;
  return {
    allowed: true,
    replayed,
    entryId: answer.entryId ?? "",
    feature: asked.feature,
    units: stored ? answer.allowanceUnits + answer.beyondUnits : asked.units,
    used: answer.used,
    limit: answer.granted,
    remaining: remaining(answer),
    windowStartsAt: instant(answer.startsAtMs),
    resetsAt: instant(answer.endsAtMs),
    drawn: { allowance: answer.allowanceUnits, lots: answer.lots, credits: answer.credits },
    overUnits: answer.overUnits,
    warning: answer.overUnits > 0 && overflowOf(prices, asked.feature) !== "overage" ? "over_limit" : null,
    crossed: answer.crossed,
    planVersion: answer.planVersion ?? "",
  };
}

/** The same of a decision that nothing was written of. */
export function allowed(
  prices: PriceList,
  asked: Asked,
  answer: GateAnswer,
): Omit<Consumed, "entryId" | "replayed" | "crossed"> {
  const {
    entryId: _entry,
    replayed: _replayed,
    crossed: _crossed,
    ...decision
  } = consumed(prices, asked, answer);
  return decision;
}

export function denied(prices: PriceList, { feature, units }: Asked, answer: GateAnswer): Denied {
  const reason = REASONS.find((known) => known === answer.reason) ?? "blocked";
  const planId = answer.planVersion?.split("@")[0] ?? prices.defaultPlan;
  const limit = reason === "not_in_plan" ? 0 : answer.granted;
  const { used, missing } = answer;
  const resetsAt = instant(answer.endsAtMs);
  const ways = waysOut(prices, { feature, units, reason, used, limit, missing, resetsAt, planId });
  const base = {
    feature,
    reason,
    used,
    limit,
    missing,
    resetsAt,
    upgradeTo: ways.find((way) => way.kind === "upgrade")?.plan ?? null,
    waysOut: ways,
  };
  const blockedBecause = reason === "blocked" ? (answer.reason ?? "").replace(/^blocked:/, "") : null;
  return {
    allowed: false,
    blockedBecause,
    planVersion: answer.planVersion,
    message: denialMessage(prices, reason, base),
    ...base,
  };
}

/** 0 is above a ceiling of 0: what the plan doesn't have is refused also when it costs nothing. */
export const isAboveCeiling = (units: number, ceiling: number | null): ceiling is number =>
  ceiling !== null && (ceiling === 0 || units > ceiling);

/** What a call above a shared meter's per-call ceiling gets; 0: the plan doesn't have the feature. */
export function aboveCeiling(
  prices: PriceList,
  asked: Asked,
  ceiling: number,
  planVersion: string | null = null,
): Denied {
  const reason = ceiling === 0 ? "not_in_plan" : "request_cap";
  return denied(prices, asked, {
    ...NOTHING,
    status: "denied",
    reason,
    granted: ceiling,
    missing: Math.max(asked.units - ceiling, 1),
    planVersion,
  });
}

/** An answer that moved nothing. */
export const NOTHING: Omit<GateAnswer, "status"> = {
  reason: null,
  entryId: null,
  used: 0,
  granted: null,
  missing: 0,
  startsAtMs: null,
  endsAtMs: null,
  allowanceUnits: 0,
  lotUnits: 0,
  credits: 0,
  beyondUnits: 0,
  overUnits: 0,
  crossed: null,
  planVersion: null,
  lots: [],
};

const overflowOf = (prices: PriceList, id: string): string | null => {
  const feature = prices.features[id];
  return feature?.kind === "meter" ? feature.overflow.to : null;
};

/** One sentence for the person who was stopped. */
export function denialMessage(prices: PriceList, reason: Denied["reason"], denial: Denial): string {
  const name = prices.features[denial.feature]?.name ?? denial.feature;
  if (reason === "blocked") return "This workspace is blocked. Please contact its owner.";
  if (reason === "not_in_plan") return `${name} is not part of your plan.`;
  const limit = denial.limit ?? 0;
  if (reason === "request_cap") return `${name}: too large for one call by ${format(denial.missing)}.`;
  if (reason === "window_cap") return `${name}: ${format(denial.missing)} past the most of one period.`;
  if (reason === "spend_cap") return `${name}: your spending cap is reached.`;
  if (reason === "confirm") return `${name}: this goes past your limit by ${format(denial.missing)}. Go on?`;
  if (reason === "no_credits" && limit === 0)
    return `${name}: not enough credits, ${format(denial.missing)} more needed.`;
  const lacking = reason === "no_credits" ? " and not enough credits" : "";
  return `${name}: ${format(denial.used)} of ${format(limit)} used${lacking}, ${format(denial.missing)} more needed.`;
}

function remaining(answer: GateAnswer): number | null {
  return answer.granted === null ? null : Math.max(answer.granted - answer.used, 0);
}

const format = (units: number) => units.toLocaleString("en-US");
const instant = (ms: number | null) => (ms === null ? null : new Date(ms));
