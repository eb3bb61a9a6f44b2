import { type WindowCase, windowCase } from "@tests/support/window-cases";
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, it } from "vitest";
import { type Period, periodAt, type WindowUnit } from "@/lib/time";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe("every rule at every instant", () => {
  const longestMs = { day: 49 * HOUR_MS, week: 8 * DAY_MS, month: 33 * DAY_MS, year: 367 * DAY_MS };
  const holds = (predicate: (windowCase: WindowCase, period: Period) => void) =>
    fc.assert(
      fc.property(windowCase(), (sample) => predicate(sample, periodAt(sample.now, sample.rule))),
      { numRuns: 1_000 },
    );

  it("now is inside its period, which is neither empty nor longer than its unit", () =>
    holds(({ now, rule }, { startsAt, endsAt }) => {
      expect(startsAt.getTime()).toBeLessThanOrEqual(now.getTime());
      expect(now.getTime()).toBeLessThan(endsAt.getTime());
      expect(endsAt.getTime() - startsAt.getTime()).toBeLessThanOrEqual(longestMs[rule.unit]);
    }));

  it("the first and the last millisecond of a period belong to it", () =>
    holds(({ rule }, period) => {
      expect(periodAt(period.startsAt, rule)).toEqual(period);
      expect(periodAt(new Date(period.endsAt.getTime() - 1), rule)).toEqual(period);
    }));

  it("neighbouring periods meet", () =>
    holds(({ rule }, { startsAt, endsAt }) => {
      expect(periodAt(endsAt, rule).startsAt).toEqual(endsAt);
      expect(periodAt(new Date(startsAt.getTime() - 1), rule).endsAt).toEqual(startsAt);
    }));

  it("the calendar equals a window anchored at Monday, 1 January 2001, local midnight", () => {
    fc.assert(
      fc.property(windowCase(), ({ now, rule: { unit, timeZone } }) => {
        const midnight = Temporal.PlainDateTime.from("2001-01-01T00:00").toZonedDateTime(timeZone);
        const anchor = new Date(midnight.epochMilliseconds);
        expect(periodAt(now, { unit, timeZone, anchor: null })).toEqual(
          periodAt(now, { unit, timeZone, anchor }),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it("in UTC months and years are those of Date.UTC, capped at the month's end", () => {
    const inUtc = fc.record({
      anchor: fc.date({ min: new Date("1970-01-01"), max: new Date("2400-01-01"), noInvalidDate: true }),
      months: fc.integer({ min: -4_800, max: 4_800 }),
      unit: fc.constantFrom("month" as const, "year" as const),
    });
    const monthsLater = (anchor: Date, months: number) => {
      const [year, month] = [anchor.getUTCFullYear(), anchor.getUTCMonth() + months];
      const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
      const timeOfDayMs = anchor.getTime() % DAY_MS;
      return new Date(Date.UTC(year, month, Math.min(anchor.getUTCDate(), lastDay)) + timeOfDayMs);
    };
    fc.assert(
      fc.property(inUtc, ({ anchor, months, unit }) => {
        const step = unit === "year" ? 12 : 1;
        const first = Math.floor(months / step) * step;
        const expected = { startsAt: monthsLater(anchor, first), endsAt: monthsLater(anchor, first + step) };
        expect(periodAt(expected.startsAt, { unit, anchor, timeZone: "UTC" })).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("400 years in a row", () => {
  const calendar = (unit: WindowUnit, timeZone: string) => ({ unit, timeZone, anchor: null });
  const newYear = (year: number, zone: string) =>
    periodAt(new Date(`${year}-01-01T12:00:00Z`), calendar("year", zone)).startsAt;

  // 400 years are 146,097 days and 20,871 weeks; Samoa had one day less.
  it.each<[WindowUnit, string, number]>([
    ["year", "Africa/Cairo", 400],
    ["month", "Europe/Berlin", 4_800],
    ["month", "America/Sao_Paulo", 4_800],
    ["week", "Australia/Lord_Howe", 20_871],
    ["day", "Pacific/Apia", 146_096],
  ])("periods of a %s in %s leave no gap, overlap nowhere and number %i", (unit, zone, count) => {
    const [first, last] = [newYear(2001, zone), newYear(2401, zone)];
    let [at, found, summedMs] = [first, 0, 0];
    while (at < last) {
      const { startsAt, endsAt } = periodAt(at, calendar(unit, zone));
      if (startsAt.getTime() !== at.getTime()) throw new Error(`no period starts at ${at.toISOString()}`);
      summedMs += endsAt.getTime() - startsAt.getTime();
      found += 1;
      at = endsAt;
    }
    expect([found, at, summedMs]).toEqual([count, last, last.getTime() - first.getTime()]);
  });
});
