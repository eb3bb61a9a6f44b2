import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { periodAt, type WindowRule, type WindowUnit } from "@/lib/time";

export interface WindowCase {
  now: Date;
  rule: WindowRule;
}

export const UNITS: readonly WindowUnit[] = ["day", "week", "month", "year"];

/** Half-hour clock changes, a skipped day, two-hour changes, odd offsets, both hemispheres. */
export const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Sao_Paulo",
  "America/St_Johns",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Auckland",
  "Africa/Cairo",
  "Antarctica/Troll",
] as const;

// Only the past: two releases of the tz data agree on it, while they may differ on the rules to come
// (Node 20.20 and PostgreSQL 18.4 do: only the latter keeps Vancouver on summer time after November 2026).
const FROM = new Date("1990-01-01T00:00:00.000Z");
const TO = new Date("2025-12-31T23:59:59.999Z");
const HOUR_MS = 3_600_000;

/** A rule and an instant, often beside a clock change, at a month's end or exactly on a period's edge. */
export function windowCase(): fc.Arbitrary<WindowCase> {
  return fc
    .constantFrom(...ZONES)
    .chain((timeZone) =>
      fc.record({
        timeZone: fc.constant(timeZone),
        unit: fc.constantFrom(...UNITS),
        anchor: fc.oneof(fc.constant(null), instant(timeZone)),
        at: instant(timeZone),
        place: fc.constantFrom(...(["at", "start", "before start", "before end", "end"] as const)),
      }),
    )
    .map(({ timeZone, unit, anchor, at, place }) => {
      const rule = { unit, anchor, timeZone };
      return { rule, now: moved(at, rule, place) };
    });
}

/** An instant between 1990 and 2025, often beside a clock change of `timeZone` or on days 28 to 31. */
function instant(timeZone: string): fc.Arbitrary<Date> {
  const anywhere = fc.date({ min: FROM, max: TO, noInvalidDate: true });
  const monthEnd = fc
    .record({
      year: fc.integer({ min: 1991, max: 2024 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 28, max: 31 }),
      time: fc.constantFrom("00:00", "02:30", "12:00", "23:59:59.999"),
    })
    .map(({ time, ...date }) => {
      const local = Temporal.PlainDate.from(date).toPlainDateTime(time);
      return new Date(local.toZonedDateTime(timeZone).epochMilliseconds);
    });
  const changesMs = clockChangesMs(timeZone);
  if (changesMs.length === 0) return fc.oneof(anywhere, monthEnd);
  const offsetMs = fc.oneof(
    fc.constantFrom(-1, 0, 1),
    fc.integer({ min: -104, max: 104 }).map((quarters) => quarters * (HOUR_MS / 4)),
    fc.integer({ min: -26 * HOUR_MS, max: 26 * HOUR_MS }),
  );
  const besideChange = fc
    .tuple(fc.constantFrom(...changesMs), offsetMs)
    .map(([changeMs, offset]) => new Date(changeMs + offset));
  return fc.oneof(anywhere, monthEnd, besideChange);
}

function clockChangesMs(timeZone: string): number[] {
  const changesMs: number[] = [];
  let at = Temporal.Instant.fromEpochMilliseconds(FROM.getTime()).toZonedDateTimeISO(timeZone);
  for (;;) {
    const next = at.getTimeZoneTransition("next");
    if (!next || next.epochMilliseconds > TO.getTime()) return changesMs;
    changesMs.push(next.epochMilliseconds);
    at = next;
  }
}

function moved(
  at: Date,
  rule: WindowRule,
  place: "at" | "start" | "before start" | "before end" | "end",
): Date {
  if (place === "at") return at;
  const { startsAt, endsAt } = periodAt(at, rule);
  const edgeMs = { start: startsAt, "before start": startsAt, "before end": endsAt, end: endsAt }[
    place
  ].getTime();
  return new Date(place.startsWith("before") ? edgeMs - 1 : edgeMs);
}
