import { addLot } from "./meters";
import type { Answer, LotKind, Op } from "./ops";
import type { State } from "./state";

/** What would be lost first is spent first; what was paid for, last. Rollover, before all of these, is 5. */
const PRIORITY: Record<LotKind, number> = {
  replenish: 10,
  trial: 20,
  promo: 30,
  compensation: 40,
  purchase: 60,
};

/** A lot, once per source. */
export function grant(state: State, op: Extract<Op, { do: "grant" }>, nowMs: number): Answer {
  const { unit, amount, kind, source, expiresInMs } = op;
  if (state.lots.some((lot) => lot.source === source)) return { lotId: source, granted: false };
  addLot(state, {
    source,
    unit,
    granted: amount,
    priority: PRIORITY[kind],
    startsAtMs: nowMs,
    expiresAtMs: expiresInMs === null ? null : nowMs + expiresInMs,
  });
  return { lotId: source, granted: true };
}
