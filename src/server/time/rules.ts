import { Temporal } from "temporal-polyfill";

/** Something that will happen by itself, such as "a renewal". */
export interface Due {
  at: Date;
  what: string;
}

/** No step is longer: what nobody foretells, such as a daily job, has its day. */
const STEP_MS = 86_400_000;
/** As far as one move goes. */
const MAX_YEARS = 5;

/** Where to: an amount of time, whatever comes next, or a date. Months are the calendar's, in UTC. */
export type Wish = { hours: number } | { days: number } | { months: number } | { to: Date } | { next: true };

/** The earliest of what lies ahead; null when nothing does. */
export function soonest(now: Date, dues: readonly (Due | null)[]): Due | null {
  const ahead = dues.filter((due): due is Due => due !== null && due.at > now);
  return ahead.reduce<Due | null>((first, due) => (first && first.at <= due.at ? first : due), null);
}

/** Where the next step ends: at what comes next, after a day, or at the aim, whichever is first. */
export function nextStop(now: Date, aim: Date, next: Due | null): Date {
  const stops = [aim.getTime(), now.getTime() + STEP_MS];
  if (next && next.at > now) stops.push(next.at.getTime());
  return new Date(Math.min(...stops));
}

/** The instant that is meant; null when it is not ahead, further than five years, or when nothing is to come. */
export function aimOf(now: Date, wish: Wish, next: Due | null): Date | null {
  const aim = instantOf(now, wish, next);
  if (!aim || aim <= now || aim > later(now, { years: MAX_YEARS })) return null;
  return aim;
}

function instantOf(now: Date, wish: Wish, next: Due | null): Date | null {
  if ("next" in wish) return next?.at ?? null;
  return "to" in wish ? wish.to : later(now, wish);
}

/** 31 January and a month: the last day of February. */
export function later(
  now: Date,
  amount: { hours?: number; days?: number; months?: number; years?: number },
): Date {
  const then = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO("UTC").add(amount);
  return new Date(then.epochMilliseconds);
}

/** The next 31 January, nine o'clock UTC, of a year that has a 29 February. */
export function leapJanuary(now: Date): Date {
  for (let year = now.getUTCFullYear(); ; year += 1) {
    const at = new Date(Date.UTC(year, 0, 31, 9));
    if (at > now && Temporal.PlainDate.from({ year, month: 1, day: 1 }).inLeapYear) return at;
  }
}
