import { reached } from "./meters";
import type { Draw, Lot, Meter, State } from "./state";
import { nothing } from "./state";

export type Decision = { allowed: true; draw: Draw } | { allowed: false; reason: string; missing: number };

/** What `units` of a meter would draw now: allowance, its own lots, then what its overflow says. All or nothing. */
export function decide(
  state: State,
  meter: Meter | undefined,
  units: number,
  nowMs: number,
  confirmed = false,
): Decision {
  const no = (reason: string, missing: number): Decision => ({ allowed: false, reason, missing });
  if (!meter || meter.kind === "lease") return no("not_in_plan", units);
  if (meter.blocked !== null) return no(`blocked:${meter.blocked}`, units);
  if (units > meter.requestCap) return no("request_cap", units - meter.requestCap);
  const inWindow = meter.used + meter.beyond + units;
  if (meter.windowCap !== null && inWindow > meter.windowCap)
    return no("window_cap", inWindow - meter.windowCap);

  const draw = drawCovered(state, meter, units, nowMs);
  const short = units - draw.allowance - draw.lots;
  if (short === 0) return { allowed: true, draw };
  const { missing, reason } = overflow(state, meter, draw, short, nowMs);
  if (missing === 0) return { allowed: true, draw };
  if (meter.onLimit === "block" || meter.granted === 0) return no(reason, missing);
  if (meter.onLimit === "prompt" && !confirmed) return no("confirm", missing);
  draw.over = short;
  return { allowed: true, draw };
}

/** What the allowance and the meter's own lots give of `units`. */
export function drawCovered(state: State, meter: Meter, units: number, nowMs: number): Draw {
  const draw = nothing();
  draw.allowance = Math.min(units, Math.max((meter.granted ?? Infinity) - meter.used, 0));
  draw.beyond = units - draw.allowance;
  if (meter.kind === "meter") draw.from = pick(state, meter.feature, draw.beyond, nowMs);
  draw.lots = total(draw.from);
  return draw;
}

/** Covers what is short with credits or overage, and says what of it stays missing. */
function overflow(
  state: State,
  meter: Meter,
  draw: Draw,
  short: number,
  nowMs: number,
): { missing: number; reason: string } {
  if (meter.kind !== "meter" || meter.overflow === "deny") return { missing: short, reason: "quota" };
  if (meter.overflow === "overage") {
    if (priceOf(meter, meter.over + short) <= (meter.spendCapMinor ?? Infinity)) {
      draw.over = short;
      return { missing: 0, reason: "" };
    }
    return { missing: meter.over + short - unitsFor(meter, meter.spendCapMinor!), reason: "spend_cap" };
  }
  const wanted = priceOf(meter, short);
  const credits = pick(state, "credits", wanted, nowMs);
  if (total(credits) < wanted)
    return { missing: short - unitsFor(meter, total(credits)), reason: "no_credits" };
  draw.credits = wanted;
  draw.from.push(...credits);
  return { missing: 0, reason: "" };
}

export const priceOf = (meter: Meter, units: number) => Math.ceil((units * meter.cost) / meter.perUnits);
/** How many units that much pays for. */
export const unitsFor = (meter: Meter, price: number) => Math.floor((price * meter.perUnits) / meter.cost);
export const total = (from: Draw["from"]) => from.reduce((sum, [, units]) => sum + units, 0);

/** Lots of one unit that may be spent now, in the one order. */
export function spendable(state: State, unit: string, nowMs: number): Lot[] {
  return state.lots
    .filter((lot) => lot.unit === unit && lot.remaining > 0 && lot.startsAtMs <= nowMs)
    .filter((lot) => lot.expiresAtMs === null || lot.expiresAtMs > nowMs)
    .sort(
      (a, b) =>
        a.priority - b.priority ||
        (a.expiresAtMs ?? Number.MAX_SAFE_INTEGER) - (b.expiresAtMs ?? Number.MAX_SAFE_INTEGER) ||
        a.startsAtMs - b.startsAtMs ||
        a.order - b.order,
    );
}

export function pick(state: State, unit: string, wanted: number, nowMs: number): Draw["from"] {
  const from: Draw["from"] = [];
  let short = wanted;
  for (const lot of spendable(state, unit, nowMs)) {
    if (short === 0) break;
    const units = Math.min(lot.remaining, short);
    from.push([lot.source, units]);
    short -= units;
  }
  return from;
}

/** Moves the meter and the lots. Returns the threshold crossed by it, if any. */
export function apply(state: State, meter: Meter, draw: Draw): number | null {
  meter.used += draw.allowance;
  meter.beyond += draw.beyond;
  meter.over += draw.over;
  for (const [source, units] of draw.from)
    state.lots.find((lot) => lot.source === source)!.remaining -= units;
  const now = reached(meter);
  if (now <= meter.alerted) return null;
  meter.alerted = now;
  return now;
}
