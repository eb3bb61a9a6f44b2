import { LOW_AT } from "./prices";
import type { Lot, State } from "./state";

const PRIORITY: Record<string, number> = {
  replenish: 10,
  trial: 20,
  promo: 30,
  compensation: 40,
  adjustment: 50,
  purchase: 60,
};

export const isOver = ({ expiresAtMs }: Lot, nowMs: number) => expiresAtMs !== null && expiresAtMs <= nowMs;
const used = (lot: Lot) => lot.spent + lot.repaid;
/** THE law: what was used of a lot beyond what was paid for it is owed, whatever happened in which order. */
export const owes = (lot: Lot) => Math.max(0, used(lot) - (lot.granted - lot.target));
export const paid = (lot: Lot) => lot.paidBy.reduce((sum, { units }) => sum + units, 0);
export const outstanding = (lot: Lot) => owes(lot) - paid(lot);
/** Neither used nor taken back. Of a lot that is over it is lost. */
export const left = (lot: Lot) => lot.granted - used(lot) - lot.takenBack;
const drawable = (lot: Lot, nowMs: number) => lot.startsAtMs <= nowMs && !isOver(lot, nowMs);

export const spendable = (state: State, nowMs: number) =>
  state.lots.reduce((sum, lot) => sum + (drawable(lot, nowMs) ? left(lot) : 0), 0);
export const owed = (state: State) => state.lots.reduce((sum, lot) => sum + outstanding(lot), 0);
export const lotOf = (state: State, source: string) => state.lots.find((lot) => lot.source === source)!;

/** Changes what was used of a lot, or what of it shall be back, and lets everything follow. */
export function move(
  state: State,
  lot: Lot,
  by: { spent?: number; repaid?: number; target?: number },
  nowMs: number,
): void {
  const before = { owes: owes(lot), outstanding: outstanding(lot) };
  lot.spent += by.spent ?? 0;
  lot.repaid += by.repaid ?? 0;
  lot.target = by.target ?? lot.target;
  const now = owes(lot);
  // What is owed no more was taken from what came back. What expired is let be, and given back to nobody either.
  if (by.target === undefined) lot.takenBack += Math.max(before.owes - now, 0);
  else lot.takenBack = isOver(lot, nowMs) ? Math.min(lot.takenBack, lot.target - now) : lot.target - now;
  if (before.outstanding === 0 && now > paid(lot)) lot.sinceMs = nowMs;
  const rank = ({ source }: { source: string }) => state.byId.payers.indexOf(source);
  lot.paidBy.sort((a, b) => a.atMs - b.atMs || rank(a) - rank(b));
  while (paid(lot) > now) {
    const last = lot.paidBy.at(-1)!;
    const units = Math.min(last.units, paid(lot) - now);
    last.units -= units;
    if (last.units === 0) lot.paidBy.pop();
    move(state, lotOf(state, last.source), { repaid: -units }, nowMs);
  }
}

/** A lot, once per source. A purchase pays the oldest debts first; returns how much of it did. */
export function grant(
  state: State,
  made: Pick<Lot, "source" | "kind" | "granted" | "startsAtMs" | "expiresAtMs">,
  nowMs: number,
): { granted: boolean; repaid: number } {
  if (lotOf(state, made.source)) return { granted: false, repaid: 0 };
  const lot: Lot = {
    ...made,
    madeAtMs: nowMs,
    spent: 0,
    repaid: 0,
    target: 0,
    takenBack: 0,
    writtenOff: 0,
    paidBy: [],
    sinceMs: null,
  };
  state.lots.push(lot);
  const debts = state.lots.filter((one) => outstanding(one) > 0);
  const rank = ({ source }: Lot) => state.byId.debts.indexOf(source);
  debts.sort((a, b) => a.sinceMs! - b.sinceMs! || rank(a) - rank(b));
  for (const debt of lot.kind === "purchase" ? debts : []) {
    const units = Math.min(outstanding(debt), lot.granted - lot.repaid);
    if (units === 0) break;
    debt.paidBy.push({ source: lot.source, units, atMs: nowMs });
    lot.repaid += units;
  }
  watch(state, nowMs);
  return { granted: true, repaid: lot.repaid };
}

export function takeBack(state: State, source: string, target: number, nowMs: number) {
  const lot = lotOf(state, source);
  move(state, lot, { target }, nowMs);
  writeOff(state, nowMs);
  watch(state, nowMs);
  const { takenBack: taken } = lot;
  return { taken, owed: outstanding(lot), forgiven: Math.max(target - taken - owes(lot), 0) };
}

/** What is left of lots that are over is lost. Returns whether there was any that nobody wrote off before. */
export function writeOff(state: State, nowMs: number): boolean {
  const over = state.lots.filter((lot) => isOver(lot, nowMs) && left(lot) !== lot.writtenOff);
  const more = over.some((lot) => left(lot) > lot.writtenOff);
  for (const lot of over) lot.writtenOff = left(lot);
  return more;
}

/** Told once, when less than the mark is left, and again after there was enough in between. */
export function watch(state: State, nowMs: number): void {
  const low = spendable(state, nowMs) < LOW_AT;
  if (low && !state.low) state.timesLow += 1;
  state.low = low;
}

/** What would be lost first is spent first; what was paid for, last. null: there is not enough. */
export function pick(
  state: State,
  credits: number,
  nowMs: number,
): { source: string; units: number }[] | null {
  const rank = ({ source }: Lot) => state.byId.lots.indexOf(source);
  const order = (lot: Lot) => [PRIORITY[lot.kind]!, lot.expiresAtMs ?? Infinity, lot.startsAtMs, rank(lot)];
  const lots = state.lots.filter((lot) => drawable(lot, nowMs) && left(lot) > 0);
  lots.sort((a, b) => compare(order(a), order(b)));
  let wanted = credits;
  const draws: { source: string; units: number }[] = [];
  for (const lot of lots) {
    const units = Math.min(left(lot), wanted);
    wanted -= units;
    if (units > 0) draws.push({ source: lot.source, units });
  }
  return wanted === 0 ? draws : null;
}

function compare(a: number[], b: number[]): number {
  const at = a.findIndex((one, place) => one !== b[place]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}
