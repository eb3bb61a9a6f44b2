import type { Feature, Limit, MeterCaps, Overflow } from "@/lib/price-list";
import type { meters } from "../ledger/tables";
import type { LiveOverride } from "../plans/live-overrides";
import { limitUnits, type PlanVersion, windowUnit } from "../plans/rules";

export type Meter = typeof meters.$inferSelect;

/** The columns of a meter that say what may be drawn. The others say what was. */
export type Policy = Pick<
  Meter,
  | "kind"
  | "planVersion"
  | "planEndsAt"
  | "allowance"
  | "planAllowance"
  | "overrideEndsAt"
  | "windowUnit"
  | "anchorAt"
  | "timeZone"
  | "overflow"
  | "overflowCost"
  | "overflowPerUnits"
  | "onLimit"
  | "spendCapMinor"
  | "requestCap"
  | "windowCap"
  | "rolloverCap"
  | "rolloverWindows"
  | "blockedReason"
>;

/** What a tenant brings along to whatever plan it is on. */
export interface Standing {
  plan: { interval: "month" | "year"; anchorAt: Date; endsAt: Date | null };
  timeZone: string;
  blockedReason: string | null;
  overrides: ReadonlyMap<string, LiveOverride>;
}

/** One feature as one plan version sells it. */
export interface Sold {
  planVersion: string;
  id: string;
  feature: Feature;
  limit: Limit | undefined;
  caps: MeterCaps | undefined;
}

/** Which kinds keep a balance, and so a row in `meters`. */
const KEEPS_METER: { [K in Feature["kind"]]: K extends Meter["kind"] ? true : false } = {
  flag: false,
  cap: false,
  pooled: false,
  level: true,
  lease: true,
  meter: true,
};

type Metered = Extract<Feature, { kind: Meter["kind"] }>;
export const isMetered = (feature: Feature): feature is Metered => KEEPS_METER[feature.kind];

export function soldBy(version: PlanVersion, id: string, feature: Feature): Sold {
  const { plan } = version.definition;
  return { planVersion: version.id, id, feature, limit: plan.limits[id], caps: plan.caps?.[id] };
}

/** @param before the meter's row, for what outlives a plan: the spend cap that the tenant set */
export function policyOf(sold: Sold, standing: Standing, before: Meter | null): Policy {
  const { feature, caps } = sold;
  const own = {
    ...limitsOf(sold.id, limitUnits(sold.limit), standing),
    planVersion: sold.planVersion,
    onLimit: ("onLimit" in feature ? feature.onLimit : undefined) ?? "block",
    requestCap: caps?.perRequest ?? Number.MAX_SAFE_INTEGER,
    windowCap: caps?.perWindow ?? null,
  };
  if (feature.kind !== "meter")
    return { ...own, ...NO_WINDOW, kind: feature.kind === "lease" ? "lease" : "level", spendCapMinor: null };
  const anchored = feature.align === "anchored" || feature.window === "billing_period";
  return {
    ...own,
    kind: "meter",
    windowUnit: windowUnit(feature.window, standing.plan.interval),
    anchorAt: anchored ? standing.plan.anchorAt : null,
    ...rateOf(feature.overflow),
    spendCapMinor: spendCapOf(feature.overflow, before),
    rolloverCap: feature.rollover?.maxUnits ?? null,
    rolloverWindows: feature.rollover?.windows ?? null,
  };
}

/** A meter that the plan version doesn't know: nothing is given or sold of it; what was used and bought stays. */
export function retiredPolicy(before: Meter, planVersion: string, standing: Standing): Policy {
  const { kind, windowUnit, anchorAt, overflowCost, overflowPerUnits, spendCapMinor } = before;
  return {
    ...limitsOf(before.feature, 0, standing),
    planVersion,
    kind,
    windowUnit,
    anchorAt,
    overflow: "deny",
    overflowCost,
    overflowPerUnits,
    onLimit: "block",
    spendCapMinor,
    requestCap: Number.MAX_SAFE_INTEGER,
    windowCap: null,
    rolloverCap: null,
    rolloverWindows: null,
  };
}

function limitsOf(id: string, planAllowance: number | null, standing: Standing) {
  const override = standing.overrides.get(id);
  return {
    planEndsAt: standing.plan.endsAt,
    planAllowance,
    allowance: override ? override.limit : planAllowance,
    overrideEndsAt: override?.expiresAt ?? null,
    timeZone: standing.timeZone,
    blockedReason: standing.blockedReason,
  };
}

const NO_WINDOW = {
  windowUnit: null,
  anchorAt: null,
  overflow: "deny",
  overflowCost: 1,
  overflowPerUnits: 1,
  rolloverCap: null,
  rolloverWindows: null,
} as const;

function rateOf(overflow: Overflow): Pick<Meter, "overflow" | "overflowCost" | "overflowPerUnits"> {
  switch (overflow.to) {
    case "deny":
      return { overflow: "deny", overflowCost: 1, overflowPerUnits: 1 };
    case "credits":
      return { overflow: "credits", overflowCost: overflow.credits, overflowPerUnits: overflow.perUnits };
    case "overage":
      return { overflow: "overage", overflowCost: overflow.minorUnits, overflowPerUnits: overflow.perUnits };
  }
}

/** The tenant's own cap stays for good. Where there is none and overage begins, the list's default stands in. */
function spendCapOf(overflow: Overflow, before: Meter | null): number | null {
  if (overflow.to !== "overage" || before?.overflow === "overage") return before?.spendCapMinor ?? null;
  return before?.spendCapMinor ?? overflow.defaultCapMinor ?? null;
}
