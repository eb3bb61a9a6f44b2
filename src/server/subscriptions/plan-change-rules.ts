import { type Feature, type Limit, limitSize } from "@/lib/price-list";
import { limitUnits, type PlanDefinition } from "../plans/rules";
import type { Interval } from "../stripe/rules";

/** At once and paid pro rata, or from the end of the period that is paid for. */
export type Timing = "now" | "period_end";

/** What is compared: a plan's price for a month, whatever interval it is paid by. */
export interface Rung {
  monthlyMinor: number;
  interval: Interval;
}

/**
 * When a change takes effect: a dearer plan at once, a cheaper one when what was paid is used up; of one price, the
 * longer interval at once. So money never goes back for time that was sold. In a trial nothing was paid: always at once.
 */
export function timingOf(from: Rung, to: Rung, inTrial: boolean): Timing {
  if (inTrial) return "now";
  if (from.monthlyMinor !== to.monthlyMinor)
    return to.monthlyMinor > from.monthlyMinor ? "now" : "period_end";
  return from.interval === "year" && to.interval === "month" ? "period_end" : "now";
}

/** How long a preview may be confirmed: its amount is that of its own instant. */
export const PREVIEW_MINUTES = 10;

/** What a preview's name says. */
export interface PreviewName {
  /** Unix seconds: the instant that the time left is counted from. */
  at: number;
  /** Minor units; negative: a credit. */
  totalMinor: bigint;
  /** Of all that the amount depends on; another one means that something has changed since. */
  fingerprint: string;
}

export function previewName({ at, totalMinor, fingerprint }: PreviewName): string {
  return `${at}.${totalMinor}.${fingerprint}`;
}

/** null for what is no preview's name. */
export function parsePreviewName(name: string): PreviewName | null {
  const [, at, totalMinor, fingerprint] = /^(\d{1,12})\.(-?\d{1,15})\.([0-9a-f]{16})$/.exec(name) ?? [];
  if (!at || !totalMinor || !fingerprint) return null;
  return { at: Number(at), totalMinor: BigInt(totalMinor), fingerprint };
}

/** Whether a preview of that instant may still be confirmed. */
export function isFresh(at: number, now: Date): boolean {
  const age = Math.floor(now.getTime() / 1_000) - at;
  return age >= 0 && age <= PREVIEW_MINUTES * 60;
}

export interface LimitChange {
  feature: string;
  name: string;
  kind: Feature["kind"];
  /** What one unit is called, singular; null for flags. */
  unit: string | null;
  from: Limit;
  to: Limit;
  /** Held or used now, of levels and windows; null for everything else. */
  used: number | null;
  /** Units past the new limit today: they stay, and no more are let in until they are under it. */
  over: number;
}

/**
 * What a change of plan changes, feature by feature. What an agreement of the tenant's own
 * decides (`own`) stays as it is.
 */
export function limitChanges(
  from: PlanDefinition,
  to: PlanDefinition,
  own: ReadonlySet<string>,
  used: ReadonlyMap<string, number>,
): LimitChange[] {
  const ids = [...new Set([...Object.keys(to.features), ...Object.keys(from.features)])];
  return ids.flatMap((feature) => {
    const known = to.features[feature] ?? from.features[feature]!;
    const [before, after] = [limitIn(from, feature), limitIn(to, feature)];
    if (own.has(feature) || limitSize(before) === limitSize(after)) return [];
    const units = used.get(feature) ?? null;
    const limit = limitUnits(after);
    return [
      {
        feature,
        name: known.name,
        kind: known.kind,
        unit: known.unit ?? null,
        from: before,
        to: after,
        used: units,
        over: limit === null || units === null ? 0 : Math.max(0, units - limit),
      },
    ];
  });
}

function limitIn({ plan, features }: PlanDefinition, feature: string): Limit {
  return plan.limits[feature] ?? (features[feature]?.kind === "flag" ? false : 0);
}
