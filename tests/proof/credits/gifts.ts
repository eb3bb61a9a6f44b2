import { grant, isOver, left, takeBack } from "./lots";
import type { Answer, Op } from "./ops";
import { followDebt } from "./orders";
import { CODES, DAY_MS } from "./prices";
import type { Lot, State } from "./state";

const TRIES_AN_HOUR = 10;
const HOUR_MS = 3_600_000;

/** What a code gives, once; every try counts, also those that give nothing. */
export function redeem(state: State, code: string, nowMs: number): Answer {
  if (!state.tries || state.tries.endsAtMs <= nowMs) state.tries = { count: 0, endsAtMs: nowMs + HOUR_MS };
  state.tries.count += 1;
  if (state.tries.count > TRIES_AN_HOUR) return { error: "RATE_LIMITED" };
  const sold = CODES[code];
  if (!sold) return { error: "NOT_FOUND" };
  const { credits, kind, lastsDays, endsAtMs } = sold;
  const source = `promo:${code}`;
  if (endsAtMs !== null && endsAtMs <= nowMs) return { error: "CONFLICT" };
  const expiresAtMs = endsAtMs ?? (lastsDays === null ? null : nowMs + lastsDays * DAY_MS);
  const { granted } = grant(state, { source, kind, granted: credits, startsAtMs: nowMs, expiresAtMs }, nowMs);
  return granted ? { code, credits, kind } : { error: "CONFLICT" };
}

/** So many units less, all of them or none: first what nobody used, the newest grant first, then what was. */
export function correct(state: State, op: Extract<Op, { do: "correct" }>, nowMs: number): Answer {
  const lots = state.lots.filter((lot) => !lot.source.startsWith("order:") && !isOver(lot, nowMs));
  const found = op.source === undefined ? lots : lots.filter(({ source }) => source === op.source);
  if (op.source !== undefined && found.length === 0) return { error: "NOT_FOUND" };
  found.sort((a, b) => b.madeAtMs - a.madeAtMs);
  let missing = op.units;
  const targets = new Map<Lot, number>();
  const raise = (lot: Lot, most: number) => {
    const units = Math.min(most, missing);
    missing -= units;
    if (units > 0) targets.set(lot, (targets.get(lot) ?? lot.target) + units);
  };
  for (const lot of found) raise(lot, left(lot));
  for (const lot of found) raise(lot, lot.granted - (targets.get(lot) ?? lot.target));
  if (missing > 0) return { error: "INVALID_INPUT" };
  let owed = 0;
  for (const [lot, target] of targets) owed += takeBack(state, lot.source, target, nowMs).owed;
  followDebt(state, nowMs);
  return { lots: targets.size, owed };
}
