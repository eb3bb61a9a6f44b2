import { grant, lotOf, move, pick, watch } from "./lots";
import type { Op } from "./ops";
import { endPlanIfOver } from "./plans";
import { CREDITS_A_UNIT } from "./prices";
import { refillIfDue } from "./refill";
import type { Chain, Hold, State } from "./state";

type Answer = Record<string, unknown>;
const priceOf = (feature: string, units: number) => units * CREDITS_A_UNIT[feature]!;

function draw(state: State, chain: Chain, units: number, nowMs: number): boolean {
  const draws = state.blocked ? null : pick(state, priceOf(chain.feature, units), nowMs);
  if (!draws) return false;
  for (const one of draws) {
    move(state, lotOf(state, one.source), { spent: one.units }, nowMs);
    const before = chain.draws.findIndex(({ source }) => source === one.source);
    // What is drawn once more counts as drawn last.
    const [again] = before < 0 ? [] : chain.draws.splice(before, 1);
    chain.draws.push({ source: one.source, units: one.units + (again?.units ?? 0) });
  }
  watch(state, nowMs);
  return true;
}

/** To exactly where it came from, from the end of the draw. */
function giveBack(state: State, chain: Chain, units: number, nowMs: number): void {
  let credits = priceOf(chain.feature, units);
  if (credits === 0) return;
  while (credits > 0) {
    const last = chain.draws.at(-1)!;
    const back = Math.min(last.units, credits);
    last.units -= back;
    credits -= back;
    if (last.units === 0) chain.draws.pop();
    move(state, lotOf(state, last.source), { spent: -back }, nowMs);
  }
  watch(state, nowMs);
}

/** Before each draw, as nothing is covered by an allowance. As if each gave back at the same moment: what is told is what came of all. */
export function sweep(state: State, feature: string, nowMs: number): void {
  const due = Object.values(state.holds).filter(
    (hold) => hold.feature === feature && hold.status === "open" && hold.expiresAtMs <= nowMs,
  );
  const { low, timesLow } = state;
  for (const hold of due) {
    hold.status = "expired";
    giveBack(state, state.chains[hold.tag]!, hold.units, nowMs);
  }
  Object.assign(state, { low, timesLow });
  if (due.length > 0) watch(state, nowMs);
}

/** A consume or a hold: wholly or not at all, once per key. */
export function take(
  state: State,
  op: Extract<Op, { do: "consume" | "reserve" }>,
  tag: string,
  nowMs: number,
): Answer {
  endPlanIfOver(state, nowMs);
  if (state.keys[op.key]) return { allowed: true, replayed: true };
  refillIfDue(state, nowMs);
  const charged = op.do === "consume" ? op.units : 0;
  const chain: Chain = { tag, feature: op.feature, charged, draws: [] };
  sweep(state, op.feature, nowMs);
  if (!draw(state, chain, op.units, nowMs))
    return { allowed: false, reason: state.blocked ? "blocked" : "no_credits" };
  state.keys[op.key] = true;
  state.chains[tag] = chain;
  if (op.do === "reserve") {
    const { feature, units } = op;
    const expiresAtMs = nowMs + op.seconds * 1_000;
    state.holds[tag] = { tag, feature, units, expiresAtMs, status: "open", actual: 0 };
  }
  return { allowed: true, replayed: false };
}

export function commit(
  state: State,
  { hold: of, units }: Extract<Op, { do: "commit" }>,
  nowMs: number,
): Answer {
  endPlanIfOver(state, nowMs);
  refillIfDue(state, nowMs);
  const hold = state.holds[of]!;
  if (hold.status === "released") return { error: "CONFLICT" };
  if (hold.status === "committed")
    return hold.actual === units ? { replayed: true } : { error: "IDEMPOTENCY_CONFLICT" };
  const held = hold.status === "open" ? hold.units : 0;
  const chain = state.chains[of]!;
  Object.assign(hold, { status: "committed", actual: units });
  if (units <= held) giveBack(state, chain, held - units, nowMs);
  else sweep(state, hold.feature, nowMs);
  const uncharged = units > held && !draw(state, chain, units - held, nowMs) ? units - held : 0;
  chain.charged = units - uncharged;
  return { replayed: false, units, uncharged };
}

export function release(state: State, hold: Hold, nowMs: number): Answer {
  refillIfDue(state, nowMs);
  if (hold.status === "committed") return { error: "CONFLICT" };
  if (hold.status !== "open") return { replayed: true };
  hold.status = "released";
  giveBack(state, state.chains[hold.tag]!, hold.units, nowMs);
  return { replayed: false };
}

/** Takes back what a call was charged, or a part of it, once per key. */
export function refund(state: State, op: Extract<Op, { do: "refund" }>, nowMs: number): Answer {
  const chain = state.chains[op.entry]!;
  if (state.keys[op.key]) return { replayed: true };
  refillIfDue(state, nowMs);
  const units = op.units ?? chain.charged;
  if (chain.charged === 0 || units > chain.charged) return { error: "CONFLICT" };
  state.keys[op.key] = true;
  chain.charged -= units;
  giveBack(state, chain, units, nowMs);
  return { replayed: false };
}

export function give(state: State, op: Extract<Op, { do: "grant" }>, nowMs: number): Answer {
  const { source, kind, units, expiresInMs } = op;
  const expiresAtMs = expiresInMs === null ? null : nowMs + expiresInMs;
  return grant(state, { source, kind, granted: units, startsAtMs: nowMs, expiresAtMs }, nowMs);
}
