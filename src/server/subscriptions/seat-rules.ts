import type { Plan, Seats } from "@/lib/price-list";
import type { Interval } from "../stripe/rules";

/** What a plan is paid by the seat for; null for a flat price. */
export function seatsOf({ price }: Plan): Seats | null {
  return price.kind === "recurring" ? (price.seats ?? null) : null;
}

/** How many seats are paid for while so many are held; 1 for a flat price. */
export function seatsToPay(seats: Seats | null, held: number): number {
  return seats ? Math.max(seats.atLeast ?? 1, held) : 1;
}

/** Seats as a subscription stands. */
export interface SeatCount {
  /** The subscription's quantity now. */
  current: number;
  /** The most that this period was paid for. */
  paid: number;
  wanted: number;
}

/** One change of the quantity; `charges`: what is added is paid pro rata. */
export interface SeatStep {
  quantity: number;
  charges: boolean;
}

/**
 * How the quantity gets to what is wanted. Fewer seats cost less from the next period on. More are paid pro rata, but
 * none of those that this period was paid for already: the quantity goes back up to them free of charge first.
 */
export function seatSteps({ current, paid, wanted }: SeatCount, inTrial: boolean): SeatStep[] {
  if (wanted === current) return [];
  if (inTrial || wanted <= paid) return [{ quantity: wanted, charges: false }];
  const free = paid > current ? [{ quantity: paid, charges: false }] : [];
  return [...free, { quantity: wanted, charges: true }];
}

/**
 * Seats of a month are paid on the next invoice, so that many changes are one payment; those of a year at once, because
 * the next invoice may be a year away.
 */
export function prorationOf({ charges }: SeatStep, interval: Interval) {
  if (!charges) return "none";
  return interval === "year" ? "always_invoice" : "create_prorations";
}

interface Period {
  priceId: string;
  currentPeriodStartsAt: Date;
  quantity: number;
  paidQuantity: number;
}

/** The most seats that a period was paid for: nothing counts from another period, or another price. */
export function paidQuantity(before: Period | undefined, now: Omit<Period, "paidQuantity">): number {
  const isSame =
    before?.priceId === now.priceId &&
    before.currentPeriodStartsAt.getTime() === now.currentPeriodStartsAt.getTime();
  return isSame ? Math.max(before.paidQuantity, now.quantity) : now.quantity;
}
