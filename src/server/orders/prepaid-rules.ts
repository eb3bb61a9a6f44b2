import type { PrepaidPrice } from "@/lib/price-list";
import { instantOfClock, prepaidClock, type Span, spanAt } from "../subscriptions/prepaid-time-rules";

const DAY_MS = 86_400_000;

/** A plan line of an order that was paid for, as much of it as was not taken back. */
export interface PrepaidLine {
  orderId: string;
  line: number;
  planId: string;
  planVersion: string;
  /** As that version sells it. */
  price: PrepaidPrice;
  /** Bought, less those whose money went back. */
  days: number;
  fulfilledAt: Date;
}

interface Term {
  planId: string;
  planVersion: string;
  price: PrepaidPrice;
  endsAt: Date;
}

/** `endsAt` null: it waits for a subscription of which nobody has decided when it ends. */
export type PrepaidTerm = Omit<Term, "endsAt"> & { endsAt: Date | null };

export interface PrepaidStanding {
  /** The last term, which may be over; null when there never was one. */
  term: PrepaidTerm | null;
  /** Credits that each order gives for days left of a plan that it took the place of, by order. */
  compensations: ReadonlyMap<string, number>;
}

/**
 * Where a tenant stands after all it paid for. The same lines give the same answer, whatever order they come in. While a
 * subscription runs, the clock of the days stands still.
 */
export function prepaidStanding(lines: readonly PrepaidLine[], spans: readonly Span[] = []): PrepaidStanding {
  let term: Term | null = null;
  const compensations = new Map<string, number>();
  for (const bought of [...lines].sort(byTime)) {
    if (bought.days < 1) continue;
    const line = { ...bought, fulfilledAt: prepaidClock(bought.fulfilledAt, spans) };
    const running: Term | null = term && line.fulfilledAt < term.endsAt ? term : null;
    if (running && compare(line, running) === "upgrade") {
      const credits = daysLeft(running, line.fulfilledAt) * (running.price.creditsPerDayLeft ?? 0);
      if (credits > 0) compensations.set(line.orderId, (compensations.get(line.orderId) ?? 0) + credits);
    }
    term = termAfter(running, line);
  }
  return { term: term && { ...term, endsAt: instantOfClock(term.endsAt, spans) }, compensations };
}

/** Whether days of it are left at that instant, running or waiting: an end that has come is over. */
export function isRunning(term: PrepaidTerm | null, at: Date): term is PrepaidTerm {
  return term !== null && (term.endsAt === null || at < term.endsAt);
}

/**
 * When the gate lets the plan fall by itself: where the days are over and nothing follows. Where a subscription takes
 * over, it is the sync that sees it begin, so that nobody falls between the two.
 */
export function fallsAt({ endsAt }: PrepaidTerm, spans: readonly Span[], now: Date): Date | null {
  const next = spans.find(({ beginsAt }) => beginsAt > now);
  if (next && (endsAt === null || next.beginsAt <= endsAt)) return null;
  return endsAt && spanAt(spans, endsAt) ? null : endsAt;
}

/** What buying a plan would be while a term runs: more of the same, a dearer one, or a cheaper one. */
export function compare(
  wanted: Pick<PrepaidLine, "planId" | "price">,
  running: Pick<Term, "planId" | "price">,
): "extension" | "upgrade" | "downgrade" {
  if (wanted.planId === running.planId) return "extension";
  const [a, b] = [wanted.price, running.price];
  return BigInt(a.priceMinor) * BigInt(b.days) < BigInt(b.priceMinor) * BigInt(a.days)
    ? "downgrade"
    : "upgrade";
}

/** Days of the running term that are left, a started one counted whole. */
function daysLeft(running: Term, at: Date): number {
  return Math.ceil((running.endsAt.getTime() - at.getTime()) / DAY_MS);
}

/** From the later of now and the current end, and never a dearer plan's end sooner. */
function termAfter(running: Term | null, line: PrepaidLine): Term {
  const { planId, planVersion, price } = line;
  if (!running) return { planId, planVersion, price, endsAt: later(line.fulfilledAt, line.days) };
  if (compare(line, running) === "downgrade")
    return { ...running, endsAt: later(running.endsAt, worthInDays(line, running.price)) };
  return { planId, planVersion, price, endsAt: later(running.endsAt, line.days) };
}

/**
 * A cheaper plan is refused while a dearer one runs; should its money arrive all the same, it pays for as many whole
 * days of the dearer one as it comes to.
 */
function worthInDays({ days, price }: PrepaidLine, dearer: PrepaidPrice): number {
  const worth = BigInt(days) * BigInt(price.priceMinor) * BigInt(dearer.days);
  return Number(worth / (BigInt(price.days) * BigInt(dearer.priceMinor)));
}

const later = (at: Date, days: number) => new Date(at.getTime() + days * DAY_MS);

function byTime(a: PrepaidLine, b: PrepaidLine): number {
  const time = a.fulfilledAt.getTime() - b.fulfilledAt.getTime();
  if (time !== 0) return time;
  if (a.orderId !== b.orderId) return a.orderId < b.orderId ? -1 : 1;
  return a.line - b.line;
}
