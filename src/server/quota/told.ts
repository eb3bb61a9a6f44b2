import type { GatedCtx } from "./guarded-call";
import type { Decision } from "./rules";
import type { Settled } from "./settled";
import { type Told, tellStanding } from "./standing";

/** Where a feature stands that was only asked about: nothing of what the answer would draw is drawn. Not for flags and caps. */
export function tellChecked(ctx: GatedCtx, decision: Decision): void {
  const kind = ctx.prices.features[decision.feature]?.kind;
  if (kind !== "meter" && kind !== "level") return;
  const { feature, used, limit, resetsAt } = decision;
  const told: Told = { feature, used, limit, resetsAt };
  if (!decision.allowed) return tellStanding(ctx, { ...told, reason: decision.reason });
  const { windowStartsAt, drawn } = decision;
  tellStanding(ctx, { ...told, used: used - drawn.allowance, windowStartsAt });
}

/** Where a feature stands after a hold was settled or a charge refunded: what went back counts below zero. */
export function tellSettled<S extends Settled>(ctx: GatedCtx, settled: S): S {
  const { drawn, returned, overUnits } = settled;
  const allowance = drawn.allowance - returned.allowance;
  const credits = drawn.credits - returned.credits;
  const lots = [...drawn.lots, ...returned.lots.map(({ lotId, units }) => ({ lotId, units: -units }))];
  const fromLots = lots.reduce((sum, { units }) => sum + units, 0) - credits;
  const units = allowance + fromLots + overUnits;
  tellStanding(ctx, { ...settled, units, drawn: { allowance, lots, credits } });
  return settled;
}
