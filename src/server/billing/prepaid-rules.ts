import type { PrepaidPrice } from "@/lib/price-list";

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

export interface PrepaidTerm {
  planId: string;
  planVersion: string;
  price: PrepaidPrice;
  endsAt: Date;
}

export interface PrepaidStanding {
  /** The last term, which may be over; null when there never was one. */
  term: PrepaidTerm | null;
  /** Credits that each order gives for days left of a plan that it took the place of, by order. */
  compensations: ReadonlyMap<string, number>;
}

/** Where a tenant stands after all it paid for. The same lines give the same answer, whatever order they come in. */
export function prepaidStanding(lines: readonly PrepaidLine[]): PrepaidStanding {
  let term: PrepaidTerm | null = null;
  const compensations = new Map<string, number>();
  for (const line of [...lines].sort(byTime)) {
    if (line.days < 1) continue;
    const running: PrepaidTerm | null = isRunning(term, line.fulfilledAt) ? term : null;
    if (running && compare(line, running) === "upgrade") {
      const credits = daysLeft(running, line.fulfilledAt) * (running.price.creditsPerDayLeft ?? 0);
      if (credits > 0) compensations.set(line.orderId, (compensations.get(line.orderId) ?? 0) + credits);
    }
    term = termAfter(running, line);
  }
  return { term, compensations };
}

/** Whether it holds at that instant: an end that has come is over. */
export function isRunning(term: PrepaidTerm | null, at: Date): term is PrepaidTerm {
  return term !== null && at < term.endsAt;
}

/** What buying a plan would be while a term runs: more of the same, a dearer one, or a cheaper one. */
export function compare(
  wanted: Pick<PrepaidLine, "planId" | "price">,
  running: Pick<PrepaidTerm, "planId" | "price">,
): "extension" | "upgrade" | "downgrade" {
  if (wanted.planId === running.planId) return "extension";
  const [a, b] = [wanted.price, running.price];
  return BigInt(a.priceMinor) * BigInt(b.days) < BigInt(b.priceMinor) * BigInt(a.days)
    ? "downgrade"
    : "upgrade";
}

/** Days of the running term that are left, a started one counted whole. */
export function daysLeft(running: PrepaidTerm, at: Date): number {
  return Math.ceil((running.endsAt.getTime() - at.getTime()) / DAY_MS);
}

/** From the later of now and the current end, and never a dearer plan's end sooner. */
function termAfter(running: PrepaidTerm | null, line: PrepaidLine): PrepaidTerm {
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
