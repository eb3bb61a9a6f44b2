import { apply, type Decision, decide } from "./draw";
import { drawn, receipt, write } from "./entries";
import { sweepFor } from "./holds";
import { settle } from "./meters";
import { type Answer, type Costs, NOT_YET, type Reserve, type Take } from "./ops";
import { liveOverride } from "./plans";
import { proofPrices } from "./prices";
import type { Meter, State } from "./state";

/** Consume and reserve: the same draw; a hold only remembers that it may be undone. */
export function take(state: State, op: Take | Reserve, tag: string, nowMs: number): Answer {
  const request = `${op.do} ${op.feature} ${JSON.stringify(op.costs ?? op.units ?? 1)}`;
  const stored = op.key === undefined ? undefined : state.keys[op.key];
  if (stored && stored.request !== request) return { error: "IDEMPOTENCY_CONFLICT" };
  if (stored) return { ...receipt(state.entries[stored.tag]!), ...heldAs(state, stored.tag), replayed: true };

  const rated = rate(state, op, nowMs);
  if ("denied" in rated) return rated.denied;
  const { feature, units } = rated;
  const meter = state.meters[feature];
  if (meter) settle(state, meter, nowMs);
  if (meter) sweepFor(state, meter, units, tag, nowMs, op.confirmed);
  const decision = decide(state, meter, units, nowMs, op.confirmed);
  if (!decision.allowed || !meter) return denial(meter, decision);
  const crossed = apply(state, meter, decision.draw);
  const entry = write(state, meter, {
    ...decision.draw,
    tag,
    operation: op.do === "reserve" ? "hold" : "consume",
    units,
    uncharged: 0,
    root: tag,
    crossed,
  });
  if (op.key !== undefined) state.keys[op.key] = { request, tag };
  if (op.do === "consume") return receipt(entry);
  const expiresAtMs = nowMs + op.seconds * 1_000;
  state.holds[tag] = {
    tag,
    feature,
    units,
    status: "open",
    overflow: op.overflow,
    expiresAtMs,
    settledBy: null,
    actual: null,
  };
  return { ...receipt(entry), ...heldAs(state, tag) };
}

function heldAs(state: State, tag: string): Answer {
  const hold = state.holds[tag];
  return hold ? { holdId: tag, expiresAt: hold.expiresAtMs } : {};
}

export function check(
  state: State,
  op: { feature: string; units?: number; costs?: Costs; confirmed?: boolean },
  nowMs: number,
): Answer {
  const rated = rate(state, op, nowMs);
  if ("denied" in rated) return rated.denied;
  const asked = structuredClone(state);
  const meter = asked.meters[rated.feature];
  if (meter) settle(asked, meter, nowMs);
  if (meter) sweepFor(asked, meter, rated.units, "asked", nowMs, op.confirmed);
  const decision = decide(asked, meter, rated.units, nowMs, op.confirmed);
  if (!decision.allowed || !meter) return denial(meter, decision);
  const { draw } = decision;
  const from = draw.from.map(([source, units]): [string, number] => [
    state.lots.some((lot) => lot.source === source) ? source : NOT_YET,
    units,
  ]);
  return {
    ...window(meter),
    allowed: true,
    units: rated.units,
    used: meter.used + draw.allowance,
    drawn: drawn({ ...draw, from }),
    overUnits: draw.over,
  };
}

/** What a call costs in its meter's units. A feature that draws on a shared meter has no balance of its own. */
export function rate(
  state: State,
  op: { feature: string; units?: number; costs?: Costs },
  nowMs: number,
): { feature: string; units: number } | { denied: Answer } {
  const feature = proofPrices.features[op.feature as "render"];
  if (feature.kind !== "pooled") return { feature: op.feature, units: op.units ?? 1 };
  const plan = proofPrices.plans.find((one) => one.id === state.plan)!;
  const own = plan.weights?.render;
  const base = own?.base ?? feature.base;
  const weights = { ...feature.weights, ...own?.weights };
  // Over one denominator, so that there is one rounding.
  const per = Object.values(weights).reduce((product, weight) => product * weight.per, 1);
  const sum = Object.entries(op.costs ?? {}).reduce(
    (all, [name, cost]) =>
      all + (cost * weights[name as "frames"].units * per) / weights[name as "frames"].per,
    0,
  );
  const units = base + Math.ceil(sum / per);
  const limit = plan.limits.render;
  const override = liveOverride(state, op.feature, nowMs);
  const ceiling = override ? override.limit : limit === "unlimited" ? null : limit;
  if (ceiling !== null && units > ceiling)
    return {
      denied: {
        allowed: false,
        reason: ceiling === 0 ? "not_in_plan" : "request_cap",
        missing: units - ceiling,
      },
    };
  return { feature: feature.meter, units };
}

const window = (meter: Meter) => ({
  limit: meter.granted,
  windowStartsAt: meter.startsAtMs,
  resetsAt: meter.endsAtMs,
  planVersion: `${meter.plan}@1`,
});
function denial(meter: Meter | undefined, decision: Decision): Answer {
  if (decision.allowed) throw new Error("not denied");
  const [reason, because = null] = decision.reason.split(":");
  return {
    allowed: false,
    reason,
    blockedBecause: because,
    missing: decision.missing,
    ...(meter && reason !== "not_in_plan"
      ? { used: meter.used, limit: meter.granted, resetsAt: meter.endsAtMs }
      : {}),
  };
}
