import { ratedUp } from "@/lib/meter-state";
import type { DenialReason } from "@/server/quota/rules";
import type { Outputs } from "@/server/root";

type Status = Outputs["quota"]["status"];
type Meter = Status["meters"][number];

export interface FeatureStanding {
  feature: string;
  name: string;
  kind: "flag" | "cap" | "level" | "meter" | "lease" | "pooled";
  /** Whether `units` would be let through now, as far as is known here. The gate decides when it is asked. */
  allowed: boolean;
  /** Why not; null when allowed. `confirm`: a person has to agree first. */
  reason: DenialReason | null;
  /** Units; of a cap, in one action; null: unlimited. */
  limit: number | null;
  used: number;
  /** Of the allowance; null: unlimited. Extra lots, credits or overage may let more through. */
  remaining: number | null;
  resetsAt: Date | null;
}

/** Where one feature stands for a call of `units`. A feature that the plan doesn't know is not in it. */
export function featureStanding(status: Status, feature: string, units = 1): FeatureStanding {
  const meter = status.meters.find((one) => one.feature === feature);
  if (meter) return ofMeter(meter, meterReason(meter, units, status.credits.available));
  const pooled = status.pooled.find((one) => one.feature === feature);
  if (pooled) return ofPooled(status, pooled, units);
  const cap = status.caps.find((one) => one.feature === feature);
  if (cap) return plain(cap, "cap", capReason(cap, units), cap.limit);
  const flag = status.flags.find((one) => one.feature === feature);
  if (flag) return plain(flag, "flag", flag.on ? null : "not_in_plan", flag.on ? 1 : 0);
  return plain({ feature, name: feature }, "flag", "not_in_plan", 0);
}

function plain(
  { feature, name }: { feature: string; name: string },
  kind: FeatureStanding["kind"],
  reason: DenialReason | null,
  limit: number | null,
): FeatureStanding {
  return {
    feature,
    name,
    kind,
    allowed: reason === null,
    reason,
    limit,
    used: 0,
    remaining: limit,
    resetsAt: null,
  };
}

function ofMeter(meter: Meter, reason: DenialReason | null): FeatureStanding {
  const { feature, name, kind, limit, used, remaining, resetsAt } = meter;
  return { feature, name, kind, allowed: reason === null, reason, limit, used, remaining, resetsAt };
}

/** Has no balance of its own: `units` are the shared meter's, and so is what is left. */
function ofPooled(status: Status, pooled: Status["pooled"][number], units: number): FeatureStanding {
  const { feature, name } = pooled;
  const ceiling = pooled.limit ?? Number.POSITIVE_INFINITY;
  const meter = status.meters.find((one) => one.feature === pooled.meter);
  if (!meter || ceiling === 0) return plain(pooled, "pooled", "not_in_plan", 0);
  const reason = units > ceiling ? "request_cap" : meterReason(meter, units, status.credits.available);
  return { ...ofMeter(meter, reason), feature, name, kind: "pooled" };
}

function capReason({ limit, onLimit }: Status["caps"][number], units: number): DenialReason | null {
  if (limit === null || units <= limit) return null;
  return limit === 0 ? "not_in_plan" : PAST_LIMIT[onLimit];
}

const PAST_LIMIT = { block: "quota", warn: null, prompt: "confirm" } as const;

/** The gate's own order of questions (`gate_decide` in decide.sql), asked of what the browser knows. */
function meterReason(meter: Meter, units: number, credits: number): DenialReason | null {
  const { used, limit, remaining, beyond, rule } = meter;
  if (meter.blocked) return "blocked";
  if (rule.requestCap !== null && units > rule.requestCap) return "request_cap";
  if (rule.windowCap !== null && used + beyond + units > rule.windowCap) return "window_cap";
  const short = units - (remaining ?? units) - (meter.kind === "meter" ? meter.extra : 0);
  if (short <= 0) return null;
  const cost = (over: number) => ratedUp(over, rule.overflowCost, rule.overflowPerUnits);
  if (meter.overflow === "credits" && cost(short) <= credits) return null;
  if (meter.overflow === "overage") {
    const capMinor = rule.spendCapMinor ?? Number.POSITIVE_INFINITY;
    return cost(meter.over + short) <= capMinor ? null : "spend_cap";
  }
  const reason = limit === 0 ? "quota" : PAST_LIMIT[rule.onLimit];
  return reason === "quota" && meter.overflow === "credits" ? "no_credits" : reason;
}
