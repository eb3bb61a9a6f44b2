import type { Decision } from "../quota/rules";
import type { GatedCtx } from "./guarded-call";
import { type Told, tellStanding } from "./standing";

/** An answer, with where its feature stands now in the headers. */
export function told<T extends Told>(ctx: GatedCtx, answer: T): T {
  tellStanding(ctx, answer);
  return answer;
}

/** The same for what was only asked: nothing of what the answer would draw is drawn. Flags and caps stand nowhere. */
export function toldChecked(ctx: GatedCtx, decision: Decision): Decision {
  const kind = ctx.prices.features[decision.feature]?.kind;
  if (kind !== "meter" && kind !== "level") return decision;
  const { feature, used, limit, resetsAt, allowed } = decision;
  const standing = { feature, used: used - (allowed ? decision.drawn.allowance : 0), limit, resetsAt };
  const more = allowed ? { windowStartsAt: decision.windowStartsAt } : { reason: decision.reason };
  tellStanding(ctx, { ...standing, ...more });
  return decision;
}
