import { leftOf } from "./standings";

const NEAR_PERCENT = 80;

export interface MeterState {
  /** null: unlimited. */
  remaining: number | null;
  /** Whole per cent of the limit, rounded down; null when unlimited. */
  percent: number | null;
  /** What this window's overage comes to so far, in minor units, rounded up; 0 when none is billed. */
  overageMinor: number;
  /** The worst of: 80 % are used, the limit is reached, units went past it uncovered. */
  warning: "near_limit" | "limit_reached" | "over_limit" | null;
}

/** What follows from a meter's figures. Server and browser ask here, so that both say the same. */
export function meterState(meter: {
  used: number;
  limit: number | null;
  over: number;
  overflow: "deny" | "credits" | "overage";
  rule: { overflowCost: number; overflowPerUnits: number };
}): MeterState {
  const { used, limit, over, overflow, rule } = meter;
  const left = leftOf(used, limit);
  const { overflowCost, overflowPerUnits } = rule;
  return {
    ...left,
    overageMinor: overflow === "overage" ? ratedUp(over, overflowCost, overflowPerUnits) : 0,
    warning: over > 0 ? "over_limit" : warningOf(left.percent),
  };
}

function warningOf(percent: number | null): MeterState["warning"] {
  if (percent === null || percent < NEAR_PERCENT) return null;
  return percent < 100 ? "near_limit" : "limit_reached";
}

/** `ceil(units × cost / perUnits)`, exactly. */
export function ratedUp(units: number, cost: number, perUnits: number): number {
  const [n, per] = [BigInt(units) * BigInt(cost), BigInt(perUnits)];
  return Number((n + per - 1n) / per);
}
