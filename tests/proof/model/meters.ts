import { periodAt, type WindowRule } from "@/lib/time";
import type { Lot, Meter, State } from "./state";

/** Brings a meter up to `nowMs`: an override that is over ends, a window that is over closes. Late is as good as early. */
export function settle(state: State, meter: Meter, nowMs: number): boolean {
  const due = Math.min(meter.endsAtMs ?? Infinity, meter.overrideEndsAtMs ?? Infinity);
  if (nowMs < due) return false;
  if (meter.overrideEndsAtMs !== null && nowMs >= meter.overrideEndsAtMs) endOverride(meter);
  if (meter.endsAtMs !== null && nowMs >= meter.endsAtMs) roll(state, meter, nowMs);
  return true;
}

/** An override that ends inside the window takes the window with it; one that outlived its window only the next. */
function endOverride(meter: Meter): void {
  const inside = meter.overrideEndsAtMs! < (meter.endsAtMs ?? Infinity);
  meter.allowance = meter.planAllowance;
  meter.overrideEndsAtMs = null;
  if (!inside) return;
  meter.granted = meter.planAllowance;
  if (meter.kind === "level") letIn(meter);
  meter.alerted = reached(meter);
}

/** Places of a level let in past the old limit are inside the new one, where it has room. */
export function letIn(meter: Meter): void {
  const room = Math.max(0, Math.min(meter.over, (meter.allowance ?? Infinity) - meter.used));
  meter.used += room;
  meter.beyond -= room;
  meter.over -= room;
}

function roll(state: State, meter: Meter, nowMs: number): void {
  keepUnused(state, meter, nowMs);
  const period = periodAt(new Date(nowMs), ruleOf(meter));
  meter.startsAtMs = Math.max(period.startsAt.getTime(), meter.endsAtMs!);
  meter.endsAtMs = period.endsAt.getTime();
  meter.carriedFromMs = meter.startsAtMs;
  meter.granted = meter.allowance;
  Object.assign(meter, { used: 0, beyond: 0, over: 0, alerted: 0 });
}

function keepUnused(state: State, meter: Meter, nowMs: number): void {
  if (!meter.rollover || meter.granted === null || meter.granted <= meter.used) return;
  let expiresAtMs = meter.endsAtMs!;
  for (let window = 0; window < meter.rollover.windows; window += 1)
    expiresAtMs = periodAt(new Date(expiresAtMs), ruleOf(meter)).endsAt.getTime();
  if (expiresAtMs <= nowMs) return;
  const kept = state.lots
    .filter(
      (lot) => lot.unit === meter.feature && lot.source.startsWith("rollover:") && lot.expiresAtMs! > nowMs,
    )
    .reduce((sum, lot) => sum + lot.remaining, 0);
  const amount = Math.min(meter.granted - meter.used, meter.rollover.cap - kept);
  const source = `rollover:${meter.feature}:${new Date(meter.startsAtMs).toISOString()}`;
  if (amount <= 0 || state.lots.some((lot) => lot.source === source)) return;
  addLot(state, {
    source,
    unit: meter.feature,
    granted: amount,
    priority: 5,
    startsAtMs: meter.endsAtMs!,
    expiresAtMs,
  });
}

export function ruleOf(meter: Pick<Meter, "window" | "timeZone">): WindowRule {
  const { unit, anchorAtMs } = meter.window!;
  return { unit, anchor: anchorAtMs === null ? null : new Date(anchorAtMs), timeZone: meter.timeZone };
}

export function addLot(state: State, lot: Omit<Lot, "remaining" | "order">): void {
  state.lots.push({ ...lot, remaining: lot.granted, order: state.lots.length });
}

/** The highest threshold that what is used has reached. */
export function reached({ used, granted }: Pick<Meter, "used" | "granted">): number {
  if (!granted) return 0;
  if (used >= granted) return 100;
  return used * 100 >= granted * 80 ? 80 : 0;
}
