import { chainOf, giveBack } from "./chain";
import { apply, decide } from "./draw";
import { write } from "./entries";
import { settle } from "./meters";
import type { Answer, Op } from "./ops";
import { type Draw, type Hold, type Meter, nothing, type State } from "./state";

/** Before a draw that the allowance doesn't cover. */
export function sweepFor(
  state: State,
  meter: Meter,
  units: number,
  tag: string,
  nowMs: number,
  confirmed = false,
): void {
  const decision = decide(state, meter, units, nowMs, confirmed);
  if (!decision.allowed || decision.draw.beyond > 0) sweepMeter(state, meter, tag, nowMs);
}

/** Gives back every open hold of a meter that is past its time. Returns how many. */
function sweepMeter(state: State, meter: Meter, tag: string, nowMs: number): number {
  const due = Object.values(state.holds).filter(
    (hold) => hold.feature === meter.feature && hold.status === "open" && hold.expiresAtMs <= nowMs,
  );
  for (const hold of due) end(state, hold, "expired", `${tag}~${hold.tag}`, nowMs);
  return due.length;
}

export function sweepHolds(state: State, tag: string, nowMs: number): number {
  return Object.values(state.meters).reduce((count, meter) => {
    const due = Object.values(state.holds).some(
      (hold) => hold.feature === meter.feature && hold.status === "open" && hold.expiresAtMs <= nowMs,
    );
    if (due) settle(state, meter, nowMs);
    return count + sweepMeter(state, meter, tag, nowMs);
  }, 0);
}

export function sweepHold(state: State, holdTag: string, tag: string, nowMs: number): Answer {
  const hold = state.holds[holdTag]!;
  settle(state, state.meters[hold.feature]!, nowMs);
  if (hold.status === "open") end(state, hold, "expired", tag, nowMs);
  return {};
}

function end(state: State, hold: Hold, status: "released" | "expired", tag: string, nowMs: number) {
  Object.assign(hold, { status, settledBy: tag });
  const meter = state.meters[hold.feature]!;
  return giveBack(
    state,
    meter,
    hold.tag,
    hold.units,
    { tag, operation: "release", units: hold.units },
    nowMs,
  );
}

/** Settles a hold on what was really used, once. */
export function commit(state: State, op: Extract<Op, { do: "commit" }>, tag: string, nowMs: number): Answer {
  const hold = state.holds[op.hold]!;
  const meter = state.meters[hold.feature]!;
  settle(state, meter, nowMs);
  if (hold.status === "released") return { error: "CONFLICT" };
  if (hold.status === "committed" && hold.actual !== op.units) return { error: "IDEMPOTENCY_CONFLICT" };
  if (hold.status === "committed") return { ...settledAs(state, hold.settledBy!), replayed: true };
  const held = hold.status === "open" ? hold.units : 0;
  Object.assign(hold, { status: "committed", settledBy: tag, actual: op.units });
  if (op.units <= held) {
    const said = { tag, operation: "commit", units: op.units };
    const lapsed = giveBack(state, meter, hold.tag, held - op.units, said, nowMs);
    return { ...settledAs(state, tag), lapsed, replayed: false };
  }
  sweepFor(state, meter, op.units - held, tag, nowMs);
  const { draw, uncharged } = drawMore(state, meter, op.units - held, hold.overflow, nowMs);
  const crossed = apply(state, meter, draw);
  const made = { tag, operation: "commit", units: op.units, uncharged, root: hold.tag, crossed };
  write(state, meter, { ...draw, ...made });
  return { ...settledAs(state, tag), charged: op.units - uncharged, lapsed: 0, replayed: false };
}

/** The work is done: what is drawn of it is all of it, what fits, or what fits and the rest as over, as was agreed. */
function drawMore(
  state: State,
  meter: Meter,
  wanted: number,
  policy: Hold["overflow"],
  nowMs: number,
): { draw: Draw; uncharged: number } {
  const whole = decide(state, meter, wanted, nowMs);
  if (whole.allowed) return { draw: whole.draw, uncharged: 0 };
  const none = { draw: nothing(), uncharged: wanted };
  if (policy === "reject" || meter.blocked !== null) return none;
  let { draw, uncharged } = none;
  for (let units = wanted - 1; units > 0 && uncharged === wanted; units -= 1) {
    const decision = decide(state, meter, units, nowMs);
    if (decision.allowed) ({ draw, uncharged } = { draw: decision.draw, uncharged: wanted - units });
  }
  if (policy === "cap") return { draw, uncharged };
  return { draw: { ...draw, over: draw.over + uncharged, beyond: draw.beyond + uncharged }, uncharged: 0 };
}

export function releaseHold(
  state: State,
  op: Extract<Op, { do: "releaseHold" }>,
  tag: string,
  nowMs: number,
): Answer {
  const hold = state.holds[op.hold]!;
  settle(state, state.meters[hold.feature]!, nowMs);
  if (hold.status === "committed") return { error: "CONFLICT" };
  if (hold.status !== "open") return { replayed: true };
  const lapsed = end(state, hold, "released", tag, nowMs);
  return { ...settledAs(state, tag), lapsed, replayed: false };
}

/** Takes back what a call was charged, or a part of it, once per key. */
export function refund(state: State, op: Extract<Op, { do: "refund" }>, tag: string, nowMs: number): Answer {
  const root = op.entry;
  const meter = state.meters[state.entries[root]!.feature]!;
  if (meter.kind !== "meter") return { error: "INVALID_INPUT" };
  const request = `refund ${root} ${op.units ?? "all"}`;
  const stored = state.keys[op.key];
  if (stored && stored.request !== request) return { error: "IDEMPOTENCY_CONFLICT" };
  if (stored) return { ...settledAs(state, stored.tag), replayed: true };
  settle(state, meter, nowMs);
  const charged = chainOf(state, root).reduce((sum, one) => {
    if (one.operation === "consume" || one.operation === "commit") return sum + one.units - one.uncharged;
    return one.operation === "refund" ? sum - one.units : sum;
  }, 0);
  const units = op.units ?? charged;
  if (charged <= 0 || units > charged) return { error: "CONFLICT" };
  state.keys[op.key] = { request, tag };
  const lapsed = giveBack(state, meter, root, units, { tag, operation: "refund", units }, nowMs);
  if (op.lapsed === "regrant" && lapsed > 0) regrant(state, meter, lapsed, tag, nowMs);
  return { ...settledAs(state, tag), lapsed, replayed: false };
}

/** What lapsed is given once more, but not for longer than the running window. */
function regrant(state: State, meter: Meter, units: number, tag: string, nowMs: number): void {
  state.lots.push({
    source: `refund:${tag}`,
    unit: meter.feature,
    granted: units,
    remaining: units,
    priority: 50,
    startsAtMs: nowMs,
    expiresAtMs: meter.endsAtMs,
    order: state.lots.length,
  });
}

/** What one settling wrote, in one entry or in two: given back below zero, drawn above. */
function settledAs(state: State, tag: string): Answer {
  const { units, uncharged } = state.entries[tag]!;
  const written = [state.entries[tag]!, state.entries[`${tag}+`]].filter((entry) => entry !== undefined);
  const sum = (pick: (entry: Draw) => number) => written.reduce((total, entry) => total + pick(entry), 0);
  const from = written.flatMap((entry) => entry.from);
  const part = (sign: 1 | -1) => ({
    allowance: Math.max(sign * sum((entry) => entry.allowance), 0),
    credits: Math.max(sign * sum((entry) => entry.credits), 0),
    lots: from.flatMap(([lotId, moved]) => (sign * moved > 0 ? [{ lotId, units: sign * moved }] : [])),
  });
  const overUnits = Math.max(
    sum((entry) => entry.over),
    0,
  );
  return { entryId: tag, units, uncharged, returned: part(-1), drawn: part(1), overUnits };
}
