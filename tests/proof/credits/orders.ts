import { grant, outstanding, owed, takeBack } from "./lots";
import type { Answer, Op } from "./ops";
import { followOrders, sellsPlan, termOf } from "./plans";
import { ALLOWED, DAY_MS, PLAN_DAYS, PLANS } from "./prices";
import type { Line, Order, State } from "./state";

export const MINOR_A_CREDIT = 5;
export const priceOf = (line: Line) =>
  "plan" in line ? PLANS[line.plan]!.priceMinor * line.periods : line.credits * MINOR_A_CREDIT;
export const lineSource = (order: string, at: number) => `order:${order}:${at + 1}`;
export const compensationSource = (order: string) => `order:${order}:compensation`;

export function place(state: State, lines: Line[], tag: string, nowMs: number): Answer {
  state.orders[tag] = {
    tag,
    placedAtMs: nowMs,
    lines,
    totalMinor: lines.reduce((sum, line) => sum + priceOf(line), 0),
    status: "open",
    fulfilledAtMs: null,
    daysBack: lines.map(() => 0),
    back: 0,
    refunds: [],
    disputes: [],
  };
  return {};
}

/** Gives what was bought, once, however many tell it. */
export function fulfil(state: State, op: Extract<Op, { do: "fulfil" }>, nowMs: number): Answer {
  const order = state.orders[op.order]!;
  if (order.fulfilledAtMs !== null) return { given: 0 };
  Object.assign(order, { status: "fulfilled", fulfilledAtMs: nowMs });
  let repaid = 0;
  for (const [at, line] of order.lines.entries()) {
    if ("plan" in line) continue;
    const { credits: granted, expireAfterDays: days } = line;
    const lot = { granted, startsAtMs: nowMs, expiresAtMs: days === null ? null : nowMs + days * DAY_MS };
    repaid += grant(state, { source: lineSource(order.tag, at), kind: "purchase", ...lot }, nowMs).repaid;
  }
  const ofPlan = sellsPlan(order);
  if (ofPlan) compensate(state, nowMs);
  if (ofPlan || repaid > 0) followDebt(state, nowMs);
  if (ofPlan) followOrders(state, nowMs);
  return { given: 1 };
}

/** What of an order's money is back: refunded, or disputed and not won. */
export function moneyBack({ totalMinor, refunds, disputes }: Order): number {
  const sum = (all: { amountMinor: number }[]) => all.reduce((total, one) => total + one.amountMinor, 0);
  const back =
    sum(refunds.filter(({ status }) => status === "succeeded")) +
    sum(disputes.filter(({ status }) => status !== "won"));
  return Math.min(back, totalMinor);
}

/** Takes back the share of what was bought whose money is back: all of them together, and the plan after. */
export function look(state: State, tags: string[], nowMs: number): Answer {
  const looked = tags.map((tag) => state.orders[tag]!).filter((order) => order.fulfilledAtMs !== null);
  for (const order of looked) {
    const back = moneyBack(order);
    order.back = back;
    const share = (units: number) => Math.floor((units * back) / order.totalMinor);
    order.status = statusOf(order, back);
    for (const [at, line] of order.lines.entries()) {
      if ("plan" in line) order.daysBack[at] = share(line.periods * PLAN_DAYS);
      else takeBack(state, lineSource(order.tag, at), share(line.credits), nowMs);
    }
  }
  compensate(state, nowMs);
  followDebt(state, nowMs);
  followOrders(state, nowMs);
  return {};
}

function statusOf({ disputes, totalMinor }: Order, back: number): Order["status"] {
  if (disputes.some(({ status }) => status === "needs_response")) return "disputed";
  if (back === 0) return "fulfilled";
  return back === totalMinor ? "refunded" : "partially_refunded";
}

/**
 * Nobody is compensated for days whose money is back, nor for giving them up for what was not paid for. What is due may
 * grow again: then there is one lot more. Of too much, the newest lot gives back first.
 */
function compensate(state: State, nowMs: number): void {
  const orders = Object.values(state.orders).filter((order) => order.fulfilledAtMs !== null);
  const { compensations } = termOf(orders);
  orders.sort((a, b) => a.placedAtMs - b.placedAtMs);
  for (const { tag, back, totalMinor } of orders.filter(sellsPlan)) {
    const full = compensations.get(tag) ?? 0;
    const due = full - Math.floor((full * back) / totalMinor);
    const source = compensationSource(tag);
    const lots = state.lots.filter((lot) => lot.source === source || lot.source.startsWith(`${source}:`));
    lots.sort((a, b) => b.madeAtMs - a.madeAtMs);
    const given = lots.reduce((sum, { granted }) => sum + granted, 0);
    let tooMuch = Math.max(given - due, 0);
    for (const lot of lots) {
      const target = Math.min(tooMuch, lot.granted);
      tooMuch -= target;
      takeBack(state, lot.source, target, nowMs);
    }
    const more = { granted: due - given, source: given === 0 ? source : `${source}:${given}` };
    const lot = { kind: "compensation", startsAtMs: nowMs, expiresAtMs: null };
    if (more.granted > 0) grant(state, { ...more, ...lot }, nowMs);
  }
}

/** Who owes more, or for longer, than the business lets it is blocked. */
export function followDebt(state: State, nowMs: number): void {
  const since = Math.min(...state.lots.filter((lot) => outstanding(lot) > 0).map((lot) => lot.sinceMs!));
  const all = owed(state);
  const may = state.policy === "allow" && all <= ALLOWED.credits && nowMs < since + ALLOWED.days * DAY_MS;
  state.blocked = all > 0 && !may;
}
