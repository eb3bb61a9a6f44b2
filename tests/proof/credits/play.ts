import { commit, give, refund, release, sweep, take } from "./calls";
import { correct, redeem } from "./gifts";
import { owed, takeBack, watch, writeOff } from "./lots";
import type { Answer, Deed, Op } from "./ops";
import { followDebt, fulfil, look, place } from "./orders";
import { endPlanIfOver, putOn } from "./plans";
import type { Policy } from "./prices";
import { refillIfDue, settle } from "./refill";
import type { State } from "./state";

export interface Beginning {
  policy: Policy;
  startMs: number;
}

export function firstState({ policy, startMs }: Beginning): State {
  const state: State = {
    policy,
    timeZone: "UTC",
    anchorMs: startMs,
    lots: [],
    chains: {},
    holds: {},
    keys: {},
    orders: {},
    refill: null,
    plan: { plan: "free", source: "default", endsAtMs: null },
    blocked: false,
    low: false,
    timesLow: 0,
    byId: { lots: [], debts: [], payers: [] },
    tries: null,
  };
  putOn(state, state.plan, startMs);
  return state;
}

/** What the model says to a call, and what it makes of the state. */
export function play(state: State, op: Op, tag: string, nowMs: number): Answer {
  switch (op.do) {
    case "grant":
      return give(state, op, nowMs);
    case "correct":
      return correct(state, op, nowMs);
    case "redeem":
      return redeem(state, op.code, nowMs);
    case "take back": {
      const answer = takeBack(state, op.source, op.target, nowMs);
      followDebt(state, nowMs);
      return answer;
    }
    case "consume":
    case "reserve":
      return take(state, op, tag, nowMs);
    case "commit":
      return commit(state, op, nowMs);
    case "release":
      return release(state, state.holds[op.hold]!, nowMs);
    case "refund":
      return refund(state, op, nowMs);
    case "place":
      return place(state, op.lines, tag, nowMs);
    case "fulfil":
      return fulfil(state, op, nowMs);
    case "look":
      return look(state, op.orders, nowMs);
    case "settle":
      endPlanIfOver(state, nowMs);
      return { refilled: settle(state, nowMs) };
    case "write off":
      if (writeOff(state, nowMs)) watch(state, nowMs);
      return {};
    case "plan":
      endPlanIfOver(state, nowMs);
      return state.blocked
        ? { allowed: false, reason: "blocked" }
        : { allowed: true, planVersion: `${state.plan.plan}@1` };
    case "cron":
      return cron(state, nowMs);
  }
}

/** As the app's jobs do it, in their order. */
function cron(state: State, nowMs: number): Answer {
  endPlanIfOver(state, nowMs);
  settle(state, nowMs);
  if (owed(state) > 0 || state.blocked) followDebt(state, nowMs);
  for (const feature of ["images", "pages"]) {
    const due = Object.values(state.holds).some(
      (hold) => hold.feature === feature && hold.status === "open" && hold.expiresAtMs <= nowMs,
    );
    if (due) refillIfDue(state, nowMs);
    sweep(state, feature, nowMs);
  }
  return {};
}

/** What happens at Stripe: our side knows nothing of it yet. */
export function happen(state: State, deed: Deed, id: string): void {
  const order = state.orders[deed.order]!;
  if (deed.do === "refunded")
    order.refunds.push({ id: `re_${id}`, amountMinor: deed.amountMinor, status: deed.status });
  else if (deed.do === "disputed")
    order.disputes.push({ id: `du_${id}`, amountMinor: deed.amountMinor, status: "needs_response" });
  else if (deed.do === "refund settled") order.refunds[deed.at]!.status = deed.status;
  else order.disputes[deed.at]!.status = deed.status;
}
