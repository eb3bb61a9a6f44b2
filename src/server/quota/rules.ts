import type { PriceList } from "@/lib/price-list";
import type { Denial } from "../errors";
import type { GateAnswer } from "../ledger/gate";
import { upgradeFor } from "../plans/rules";

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
  /** The share of the allowance, in per cent, that this call crossed. */
  crossed: number | null;
  planVersion: string;
}

/** Why not, and what would help. Nothing was written. */
export interface Denied extends Denial {
  allowed: false;
  reason: "quota" | "not_in_plan" | "blocked";
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

export function consumed(asked: Asked, answer: GateAnswer): Consumed {
  return {
    ...allowed(asked, answer),
    replayed: answer.status === "replayed",
    entryId: answer.entryId ?? "",
    crossed: answer.crossed,
  };
}

export function allowed(
  { feature, units }: Asked,
  answer: GateAnswer,
): Omit<Consumed, "entryId" | "replayed" | "crossed"> {
  return {
    allowed: true,
    feature,
    units,
    used: answer.used,
    limit: answer.granted,
    remaining: remaining(answer),
    windowStartsAt: instant(answer.startsAtMs),
    resetsAt: instant(answer.endsAtMs),
    drawn: { allowance: answer.allowanceUnits, lots: answer.lots, credits: answer.credits },
    planVersion: answer.planVersion ?? "",
  };
}

export function denied(prices: PriceList, { feature, units }: Asked, answer: GateAnswer): Denied {
  const reason = answer.reason === "quota" || answer.reason === "not_in_plan" ? answer.reason : "blocked";
  const planId = answer.planVersion?.split("@")[0] ?? prices.defaultPlan;
  const upgrade =
    reason === "blocked"
      ? null
      : upgradeFor(prices, feature, planId, Math.min(answer.used + units, Number.MAX_SAFE_INTEGER));
  const base = {
    feature,
    used: answer.used,
    limit: reason === "not_in_plan" ? 0 : answer.granted,
    missing: answer.missing,
    resetsAt: instant(answer.endsAtMs),
    upgradeTo: upgrade?.id ?? null,
  };
  const blockedBecause = reason === "blocked" ? (answer.reason ?? "").replace(/^blocked:/, "") : null;
  return {
    allowed: false,
    reason,
    blockedBecause,
    planVersion: answer.planVersion,
    message: denialMessage(prices, reason, base),
    ...base,
  };
}

/** One sentence for the person who was stopped. */
export function denialMessage(prices: PriceList, reason: Denied["reason"], denial: Denial): string {
  const name = prices.features[denial.feature]?.name ?? denial.feature;
  if (reason === "blocked") return "This workspace is blocked. Please contact its owner.";
  if (reason === "not_in_plan") return `${name} is not part of your plan.`;
  const limit = denial.limit ?? 0;
  return `${name}: ${format(denial.used)} of ${format(limit)} used, ${format(denial.missing)} more needed.`;
}

function remaining(answer: GateAnswer): number | null {
  return answer.granted === null ? null : Math.max(answer.granted - answer.used, 0);
}

const format = (units: number) => units.toLocaleString("en-US");
const instant = (ms: number | null) => (ms === null ? null : new Date(ms));

/**
 * The `RateLimit-Policy` and `RateLimit` fields of an answer (IETF draft-ietf-httpapi-ratelimit-headers):
 * q the window's allowance, w its length and t the time to its end, in whole seconds. Unlimited: none.
 */
export function rateLimitHeaders(receipt: Receipt, now: Date): Record<string, string> {
  if (receipt.limit === null || receipt.resetsAt === null) return {};
  const left = Math.max(receipt.limit - receipt.used, 0);
  const seconds = Math.max(0, Math.ceil((receipt.resetsAt.getTime() - now.getTime()) / 1000));
  const windowStartsAt = "windowStartsAt" in receipt ? receipt.windowStartsAt : null;
  const width = windowStartsAt
    ? `;w=${Math.ceil((receipt.resetsAt.getTime() - windowStartsAt.getTime()) / 1000)}`
    : "";
  return {
    "RateLimit-Policy": `"${receipt.feature}";q=${receipt.limit}${width}`,
    RateLimit: `"${receipt.feature}";r=${left};t=${seconds}`,
  };
}
