import { check, take } from "./consume";
import { grant } from "./grants";
import { commit, refund, releaseHold, sweepHold, sweepHolds } from "./holds";
import { acquire, endLeases, heartbeat, releaseLease } from "./leases";
import { give, recount } from "./levels";
import { settle } from "./meters";
import type { Answer, Op } from "./ops";
import { endOverride, entitle, moveTo, setBlocked, setOverride, setSpendCap } from "./plans";
import type { State } from "./state";

/** One of the many small things that a job does. */
export type JobPart = { do: "sweepHold"; hold: string } | { do: "settleMeter"; meter: string };

/** What the model answers to a call, and does to its state. */
export function play(state: State, op: Op | JobPart, tag: string, nowMs: number): Answer {
  switch (op.do) {
    case "consume":
    case "reserve":
      return take(state, op, tag, nowMs);
    case "check":
      return check(state, op, nowMs);
    case "grant":
      return grant(state, op, nowMs);
    case "give":
      return give(state, op, tag, nowMs);
    case "recount":
      return recount(state, op, tag, nowMs);
    case "acquire":
      return acquire(state, op, tag, nowMs);
    case "heartbeat":
      return heartbeat(state, op.lease, nowMs);
    case "releaseLease":
      return releaseLease(state, op.lease, nowMs);
    case "sweepLeases":
      return { leasesEnded: endLeases(state, nowMs) };
    case "commit":
      return commit(state, op, tag, nowMs);
    case "releaseHold":
      return releaseHold(state, op, tag, nowMs);
    case "sweepHolds":
      return { expiredHolds: sweepHolds(state, tag, nowMs) };
    case "sweepHold":
      return sweepHold(state, op.hold, tag, nowMs);
    case "refund":
      return refund(state, op, tag, nowMs);
    case "settleMeter":
      settle(state, state.meters[op.meter]!, nowMs);
      return {};
    case "rollDue":
      return { rolled: Object.values(state.meters).filter((meter) => settle(state, meter, nowMs)).length };
    case "entitle":
      return entitle(state, op, nowMs);
    case "moveTo":
      return moveTo(state, op, nowMs);
    case "override":
      return setOverride(state, op, nowMs);
    case "endOverride":
      return endOverride(state, op, nowMs);
    case "spendCap":
      return setSpendCap(state, op);
    case "block":
      return setBlocked(state, op);
  }
}
