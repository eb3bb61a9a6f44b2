import { apply } from "./draw";
import { receipt, write } from "./entries";
import { settle } from "./meters";
import type { Answer, Op } from "./ops";
import { nothing, type State } from "./state";

/** Gives back units of a level: those past the limit first, never more than are held. */
export function give(state: State, op: Extract<Op, { do: "give" }>, tag: string, nowMs: number): Answer {
  const meter = state.meters[op.feature]!;
  settle(state, meter, nowMs);
  const request = `release ${op.feature} ${op.units}`;
  const stored = state.keys[op.key];
  if (stored && stored.request !== request) return { error: "IDEMPOTENCY_CONFLICT" };
  if (stored) return { ...released(state, stored.tag), replayed: true };
  if (meter.used + meter.over < op.units) return { error: "CONFLICT" };
  const over = Math.min(meter.over, op.units);
  const draw = { ...nothing(), over: -over, beyond: -over, allowance: over - op.units };
  apply(state, meter, draw);
  write(state, meter, {
    ...draw,
    tag,
    operation: "release",
    units: op.units,
    uncharged: 0,
    root: tag,
    crossed: null,
  });
  state.keys[op.key] = { request, tag };
  return released(state, tag);
}

function released(state: State, tag: string): Answer {
  const { replayed, entryId, used, limit } = receipt(state.entries[tag]!);
  return { replayed, entryId, used, limit };
}

/** Sets a level to what was counted: more goes inside the limit first, less comes from past it first. */
export function recount(
  state: State,
  op: Extract<Op, { do: "recount" }>,
  tag: string,
  nowMs: number,
): Answer {
  const meter = state.meters[op.feature]!;
  settle(state, meter, nowMs);
  const more = op.count - meter.used - meter.over;
  const room = Math.max((meter.granted ?? Infinity) - meter.used, 0);
  const allowance = more < 0 ? Math.min(more + meter.over, 0) : Math.min(more, room);
  const draw = { ...nothing(), allowance, over: more - allowance, beyond: more - allowance };
  if (more !== 0) {
    const crossed = apply(state, meter, draw);
    const made = { tag, operation: "adjust", units: Math.abs(more), uncharged: 0, root: null, crossed };
    write(state, meter, { ...draw, ...made });
  }
  return { difference: more, used: meter.used, over: op.count - meter.used, limit: meter.granted };
}
