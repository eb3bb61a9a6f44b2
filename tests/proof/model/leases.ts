import { settle } from "./meters";
import type { Answer, Op } from "./ops";
import type { Lease, State } from "./state";

/** Starts one more of the things that run, if there is room at this instant. Once per key. */
export function acquire(
  state: State,
  op: Extract<Op, { do: "acquire" }>,
  tag: string,
  nowMs: number,
): Answer {
  const meter = state.meters.runs!;
  settle(state, meter, nowMs);
  endLeases(state, nowMs);
  const running = Object.values(state.leases).filter((lease) => lease.ended === null).length;
  const known = Object.values(state.leases).find((lease) => lease.key === op.key);
  if (known) return { ...shown(known), allowed: true, replayed: true, used: running, limit: meter.granted };
  const no = { allowed: false, used: running, limit: meter.granted };
  if (meter.blocked !== null) return { ...no, reason: "blocked", blockedBecause: meter.blocked };
  if (meter.granted !== null && running >= meter.granted) return { ...no, reason: "quota", missing: 1 };
  const lease: Lease = {
    tag,
    feature: "runs",
    key: op.key,
    heartbeatAtMs: nowMs,
    expiresAtMs: nowMs + op.seconds * 1_000,
    ended: null,
  };
  state.leases[tag] = lease;
  return { ...shown(lease), allowed: true, replayed: false, used: running + 1, limit: meter.granted };
}

/** Lasts as long again as it was started for, unless it has ended, which it does by itself at its expiry. */
export function heartbeat(state: State, tag: string, nowMs: number): Answer {
  const lease = state.leases[tag]!;
  if (lease.ended !== null || lease.expiresAtMs <= nowMs) return { error: "CONFLICT" };
  const lastsMs = lease.expiresAtMs - lease.heartbeatAtMs;
  lease.heartbeatAtMs = Math.max(lease.heartbeatAtMs, nowMs);
  lease.expiresAtMs = lease.heartbeatAtMs + lastsMs;
  return shown(lease);
}

export function releaseLease(state: State, tag: string, nowMs: number): Answer {
  const lease = state.leases[tag]!;
  lease.ended ??= lease.expiresAtMs <= nowMs ? "expired" : "released";
  return shown(lease);
}

/** Writes down what ended by itself. Returns how many. */
export function endLeases(state: State, nowMs: number): number {
  const over = Object.values(state.leases).filter(
    (lease) => lease.ended === null && lease.expiresAtMs <= nowMs,
  );
  for (const lease of over) lease.ended = "expired";
  return over.length;
}

const shown = ({ tag, heartbeatAtMs, expiresAtMs, ended }: Lease): Answer => ({
  leaseId: tag,
  heartbeatAt: heartbeatAtMs,
  expiresAt: expiresAtMs,
  endedBecause: ended,
});
