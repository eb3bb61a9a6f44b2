import { Temporal } from "temporal-polyfill";

export type WindowUnit = "day" | "week" | "month" | "year";

/** A repeating window. `anchor: null` means the calendar: midnight, Monday, the 1st, 1 January in `timeZone`. */
export interface WindowRule {
  unit: WindowUnit;
  anchor: Date | null;
  timeZone: string;
}

/** Half-open: `startsAt` belongs to the period, `endsAt` to the next one. */
export interface Period {
  startsAt: Date;
  endsAt: Date;
}

/** The one place where the wall clock of the machine is read; everything else is given `now`. */
export const systemClock = () => new Date();

// A Monday, the first of a month and of a year: one anchored algorithm serves the calendar too.
const CALENDAR_ANCHOR = Temporal.PlainDateTime.from("2001-01-01T00:00");

// PostgreSQL reads "CET" as a fixed abbreviation and "+02:00" with the sign turned round, so only
// Area/Location names, which mean the same on both sides, are let in.
const ZONE_NAME =
  /^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)\/[A-Za-z0-9_+/-]+)$/;

/** Whether `name` is an IANA zone (`Area/Location` or `UTC`) which both this runtime and PostgreSQL understand. */
export function isTimeZone(name: string): boolean {
  if (!ZONE_NAME.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The period of `rule` which contains `now`, never empty. Equal to `ledger_period_at` in SQL.
 * Boundaries are the anchor's wall clock plus k units in the zone; a day the month lacks becomes its last day.
 * @throws RangeError when the zone is not one that `isTimeZone` accepts, or a date is invalid.
 */
export function periodAt(now: Date, rule: WindowRule): Period {
  if (!ZONE_NAME.test(rule.timeZone)) throw new RangeError(`Not an IANA time zone: ${rule.timeZone}`);
  const nowMs = now.getTime();
  const anchor = rule.anchor ? wallClock(rule.anchor, rule.timeZone) : CALENDAR_ANCHOR;
  const boundaryMs = (k: number) => instantMs(addUnits(anchor, rule.unit, k), rule.timeZone);

  // Never too low: boundary k + 1 is on a later date than now. Too high by one before the anchor's day or
  // time of day, and by one more beside a clock change.
  let k = unitsBetween(anchor, wallClock(now, rule.timeZone), rule.unit);
  while (boundaryMs(k) > nowMs) k -= 1;
  return { startsAt: new Date(boundaryMs(k)), endsAt: new Date(boundaryMs(k + 1)) };
}

/**
 * The instant at which a calendar day (`2026-11-21`) begins in the zone, or the day so many days or months later.
 * @throws RangeError for what is no day, or no zone that `isTimeZone` accepts
 */
export function dayStartsAt(
  day: string,
  timeZone: string,
  plus: { days?: number; months?: number } = { days: 0 },
): Date {
  if (!ZONE_NAME.test(timeZone)) throw new RangeError(`Not an IANA time zone: ${timeZone}`);
  // Not `instantMs`: of a midnight that comes twice, the first is already of the new day.
  return new Date(Temporal.PlainDate.from(day).add(plus).toZonedDateTime(timeZone).epochMilliseconds);
}

/** The calendar day in the zone, `2026-11-21`; its first seven characters are the month. */
export function dayOf(at: Date, timeZone: string): string {
  return wallClock(at, timeZone).toPlainDate().toString();
}

function wallClock(at: Date, timeZone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(timeZone).toPlainDateTime();
}

// "later" is what PostgreSQL's `timestamp AT TIME ZONE` does: the offset before a gap, the one after an overlap.
function instantMs(local: Temporal.PlainDateTime, timeZone: string): number {
  return local.toZonedDateTime(timeZone, { disambiguation: "later" }).epochMilliseconds;
}

// Always counted from the anchor, so that 31 January leads to 28 February and then to 31 March.
function addUnits(anchor: Temporal.PlainDateTime, unit: WindowUnit, count: number): Temporal.PlainDateTime {
  switch (unit) {
    case "day":
      return anchor.add({ days: count });
    case "week":
      return anchor.add({ weeks: count });
    case "month":
      return anchor.add({ months: count });
    case "year":
      return anchor.add({ years: count });
  }
}

function unitsBetween(from: Temporal.PlainDateTime, to: Temporal.PlainDateTime, unit: WindowUnit): number {
  switch (unit) {
    case "day":
      return daysBetween(from, to);
    case "week":
      return Math.floor(daysBetween(from, to) / 7);
    case "month":
      return (to.year - from.year) * 12 + to.month - from.month;
    case "year":
      return to.year - from.year;
  }
}

function daysBetween(from: Temporal.PlainDateTime, to: Temporal.PlainDateTime): number {
  return from.toPlainDate().until(to.toPlainDate(), { largestUnit: "days" }).days;
}
