import type { Limit, Plan } from "@/lib/price-list";
import { canonicalJson, limitUnits, type PlanDefinition } from "../plans/rules";
import type { Interval } from "../stripe/rules";

/** What a tenant did with one feature lately, in its units. */
export interface Usage {
  /** Of each window that reached into the last month, as the version's own windows cut it; the running one last. */
  windows: readonly number[];
  /** The largest single call of those. */
  biggest: number;
  /** Held (level) or running (lease) today. */
  held: number;
}

/** A limit that history would have met. */
export interface RehearsalHit {
  feature: string;
  /** The window's allowance, its ceiling, the largest single call, or what is held or runs at once. */
  what: "allowance" | "window_cap" | "request_cap" | "held";
  /** The most that was used, or is held. */
  units: number;
  limit: number;
}

/** `null`: not known. */
export type UsageOf = (feature: string) => Usage | null;

/**
 * Which limits of a version a history meets. What lots, credits or overage would pay for counts as met all the same:
 * the allowance was used up.
 * @param own limits that were agreed with the tenant: they go before the version's
 */
export function hitsUnder(
  { plan, features }: PlanDefinition,
  own: ReadonlyMap<string, number | null>,
  usageOf: UsageOf,
): RehearsalHit[] {
  const ids = [...new Set([...Object.keys(features), ...own.keys()])];
  return ids.flatMap((feature) => {
    const usage = usageOf(feature);
    if (!usage) return [];
    const limit = own.has(feature) ? own.get(feature)! : limitUnits(plan.limits[feature]);
    const caps = plan.caps?.[feature];
    const most = Math.max(0, ...usage.windows);
    const isMeter = features[feature]?.kind === "meter";
    return [
      hit(feature, isMeter ? "allowance" : "held", isMeter ? most : usage.held, limit),
      hit(feature, "window_cap", most, caps?.perWindow),
      hit(feature, "request_cap", usage.biggest, caps?.perRequest),
    ].flat();
  });
}

function hit(
  feature: string,
  what: RehearsalHit["what"],
  units: number,
  limit: number | null | undefined,
): RehearsalHit[] {
  return limit === null || limit === undefined || units <= limit ? [] : [{ feature, what, units, limit }];
}

/** Those that the version before did not have: what the change would have brought about. */
export function newHits(before: readonly RehearsalHit[], after: readonly RehearsalHit[]): RehearsalHit[] {
  const known = new Set(before.map(({ feature, what }) => `${feature} ${what}`));
  return after.filter(({ feature, what }) => !known.has(`${feature} ${what}`));
}

/** Flags that are on before and off after. @param own what was agreed with the tenant stays */
export function lostFlags(
  before: PlanDefinition,
  after: PlanDefinition,
  own: ReadonlyMap<string, unknown>,
): string[] {
  const isOn = ({ plan }: PlanDefinition, id: string) => plan.limits[id] === true;
  return Object.keys(before.features).filter((id) => isOn(before, id) && !isOn(after, id) && !own.has(id));
}

/** What gets less and leaves no trace when it is used, and what is weighed by other rates: who would have met it is not known. */
export function unknowable(before: PlanDefinition, after: PlanDefinition): string[] {
  return Object.entries(before.features).flatMap(([id, { kind }]) => {
    if (kind !== "cap" && kind !== "pooled") return [];
    const isLess = size(after.plan.limits[id]) < size(before.plan.limits[id]);
    return isLess || ratesOf(before, id) !== ratesOf(after, id) ? [id] : [];
  });
}

/** What a pooled feature's calls are weighed by; the same text for all others. */
function ratesOf({ plan, features }: PlanDefinition, id: string): string {
  const feature = features[id];
  if (feature?.kind !== "pooled") return "";
  const { meter, base, weights } = feature;
  return canonicalJson([meter, base, weights, plan.weights?.[id] ?? null]);
}

const size = (limit: Limit | undefined) => limitUnits(limit) ?? Number.POSITIVE_INFINITY;

/**
 * What a plan costs a month, in minor units, before coupons and tax; null when it is not sold that way. A year counts by
 * its twelfth, prepaid days by 30 of them, each rounded to the nearest minor unit, half up, for the tenant as a whole: so
 * what is listed adds up to what is summed.
 */
export function monthlyMinor({ price }: Plan, interval: Interval, quantity: number): bigint | null {
  const seats = BigInt(quantity);
  switch (price.kind) {
    case "recurring":
      if (interval === "month") return BigInt(price.monthlyMinor) * seats;
      return price.annualMinor === null ? null : rounded(BigInt(price.annualMinor) * seats, 12n);
    case "prepaid":
      return rounded(BigInt(price.priceMinor) * 30n, BigInt(price.days));
    case "free":
    case "contact":
      return 0n;
  }
}

/** Half up; nothing here is below 0. */
const rounded = (amount: bigint, by: bigint) => (2n * amount + by) / (2n * by);
