import type Stripe from "stripe";

const DAY_SECONDS = 86_400;

/** The same day some months later, or the last of a shorter month. */
export function monthsLater(anchor: number, months: number): number {
  const date = new Date(anchor * 1000);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return Math.floor(date.getTime() / 1000);
}

type Interval = Pick<Stripe.Price.Recurring, "interval" | "interval_count">;

function addIntervals(anchor: number, { interval, interval_count }: Interval, times: number): number {
  const count = interval_count * times;
  if (interval === "month") return monthsLater(anchor, count);
  if (interval === "year") return monthsLater(anchor, count * 12);
  return anchor + count * DAY_SECONDS * (interval === "week" ? 7 : 1);
}

/**
 * The first period boundary after an instant (unix seconds). Boundaries are counted from the anchor, so a
 * subscription of 31 January renews on 28 February and on 31 March.
 */
export function nextBoundary(anchor: number, after: number, interval: Interval): number {
  let times = 1;
  while (addIntervals(anchor, interval, times) <= after) times += 1;
  return addIntervals(anchor, interval, times);
}

export function daysLater(unix: number, days: number): number {
  return unix + days * DAY_SECONDS;
}

export function hoursLater(unix: number, hours: number): number {
  return unix + hours * 3600;
}
