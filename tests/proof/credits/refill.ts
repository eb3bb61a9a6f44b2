import { periodAt } from "@/lib/time";
import { grant, watch, writeOff } from "./lots";
import { FIRST_REFILL, PLANS } from "./prices";
import type { Refill, State } from "./state";

const periodOf = (state: State, every: Refill["every"], anchorMs: number, atMs: number) => {
  const rule = { unit: every, anchor: new Date(anchorMs), timeZone: state.timeZone };
  const { startsAt, endsAt } = periodAt(new Date(atMs), rule);
  return { anchorMs, startsAtMs: startsAt.getTime(), endsAtMs: endsAt.getTime() };
};

/** The period of now, after one that is over: by another rule than before, periods count from where that one ended. */
function nextPeriod(state: State, { every, anchorMs, endsAtMs }: Refill, nowMs: number) {
  const period = periodOf(state, every, anchorMs, nowMs);
  return period.startsAtMs >= endsAtMs ? period : periodOf(state, every, endsAtMs, nowMs);
}

/** One refill, however many periods went by; none on a plan that is over. Returns whether there was one. */
export function refillIfDue(state: State, nowMs: number): boolean {
  const { refill } = state;
  if (!refill || refill.units === null || nowMs < refill.endsAtMs) return false;
  const period = nextPeriod(state, refill, nowMs);
  if (refill.planEndsAtMs !== null && period.startsAtMs >= refill.planEndsAtMs) return false;
  Object.assign(refill, period);
  writeOff(state, nowMs);
  const { startsAtMs, endsAtMs } = period;
  const source = `refill:${new Date(startsAtMs).toISOString()}`;
  grant(
    state,
    { source, kind: "replenish", granted: refill.units, startsAtMs, expiresAtMs: endsAtMs },
    nowMs,
  );
  return true;
}

/** What is due is still the old plan's; the new one's amount counts from the next period on. */
export function followPlan(state: State, nowMs: number): void {
  refillIfDue(state, nowMs);
  const sold = PLANS[state.plan.plan]!.refill;
  const planEndsAtMs = state.plan.endsAtMs;
  if (state.refill)
    Object.assign(state.refill, { units: sold?.units ?? null, planEndsAtMs }, sold && { every: sold.every });
  else if (sold) {
    const period = periodOf(state, sold.every, state.anchorMs, nowMs);
    state.refill = { ...sold, ...period, planEndsAtMs };
    state.lots.push({
      source: "refill:first",
      kind: "replenish",
      granted: FIRST_REFILL,
      spent: 0,
      repaid: 0,
      target: 0,
      takenBack: 0,
      writtenOff: 0,
      madeAtMs: nowMs,
      startsAtMs: period.startsAtMs,
      expiresAtMs: period.endsAtMs,
      paidBy: [],
      sinceMs: null,
    });
  }
  refillIfDue(state, nowMs);
}

/** The balance is looked at when something happens to it, not when a lot begins. */
export function settle(state: State, nowMs: number): boolean {
  const refilled = refillIfDue(state, nowMs);
  if (writeOff(state, nowMs)) watch(state, nowMs);
  return refilled;
}
