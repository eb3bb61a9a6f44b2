import { UNITS, ZONES } from "@tests/support/window-cases";
import { describe, expect, it } from "vitest";
import {
  dayOf,
  dayStartsAt,
  isTimeZone,
  type Period,
  periodAt,
  systemClock,
  type WindowRule,
  type WindowUnit,
} from "@/lib/time";

const HOUR_MS = 3_600_000;

function rule(unit: WindowUnit, timeZone: string, anchor: string | null = null): WindowRule {
  return { unit, timeZone, anchor: anchor === null ? null : new Date(anchor) };
}

function shown({ startsAt, endsAt }: Period): string {
  const text = (at: Date) => at.toISOString().replace(":00.000Z", "Z");
  return `${text(startsAt)} ${text(endsAt)}`;
}

/** The starts of `count` periods in a row, from the one around `from`. */
function starts(from: string, windowRule: WindowRule, count: number): string[] {
  const found: string[] = [];
  for (let at = new Date(from); found.length < count; at = periodAt(at, windowRule).endsAt) {
    found.push(shown(periodAt(at, windowRule)).split(" ")[0]!);
  }
  return found;
}

function hours({ startsAt, endsAt }: Period): number {
  return (endsAt.getTime() - startsAt.getTime()) / HOUR_MS;
}

describe("months and years count from the anchor", () => {
  it("a window of 31 January ends each month on its last day and returns to the 31st", () => {
    const monthly = rule("month", "UTC", "2025-01-31T09:30:00Z");
    expect(starts("2025-01-31T09:30:00Z", monthly, 5)).toEqual([
      "2025-01-31T09:30Z",
      "2025-02-28T09:30Z",
      "2025-03-31T09:30Z",
      "2025-04-30T09:30Z",
      "2025-05-31T09:30Z",
    ]);
    expect(starts("2028-02-01T00:00:00Z", monthly, 3)).toEqual([
      "2028-01-31T09:30Z",
      "2028-02-29T09:30Z",
      "2028-03-31T09:30Z",
    ]);
  });

  it("a window of 29 February falls on the 28th until the next leap year", () => {
    const yearly = rule("year", "UTC", "2024-02-29T00:00:00Z");
    expect(starts("2024-02-29T00:00:00Z", yearly, 5)).toEqual([
      "2024-02-29T00:00Z",
      "2025-02-28T00:00Z",
      "2026-02-28T00:00Z",
      "2027-02-28T00:00Z",
      "2028-02-29T00:00Z",
    ]);
    expect(starts("2099-06-01T00:00:00Z", yearly, 2)).toEqual(["2099-02-28T00:00Z", "2100-02-28T00:00Z"]);
  });

  it("the day is the anchor's day in the tenant's zone, not in UTC", () => {
    const monthly = rule("month", "Europe/Berlin", "2026-01-30T23:30:00Z");
    expect(starts("2026-02-01T00:00:00Z", monthly, 3)).toEqual([
      "2026-01-30T23:30Z",
      "2026-02-27T23:30Z",
      "2026-03-30T22:30Z",
    ]);
  });

  it("an instant before the anchor has a period too", () => {
    const monthly = rule("month", "UTC", "2026-03-31T00:00:00Z");
    expect(shown(periodAt(new Date("2026-03-01T00:00:00Z"), monthly))).toBe(
      "2026-02-28T00:00Z 2026-03-31T00:00Z",
    );
    expect(shown(periodAt(new Date("1999-12-31T12:00:00Z"), monthly))).toBe(
      "1999-12-31T00:00Z 2000-01-31T00:00Z",
    );
  });
});

describe("the calendar", () => {
  it("days, weeks from Monday, months and years begin at local midnight", () => {
    const now = new Date("2026-01-01T03:00:00Z");
    const found = UNITS.map((unit) => shown(periodAt(now, rule(unit, "America/New_York"))));
    expect(found).toEqual([
      "2025-12-31T05:00Z 2026-01-01T05:00Z",
      "2025-12-29T05:00Z 2026-01-05T05:00Z",
      "2025-12-01T05:00Z 2026-01-01T05:00Z",
      "2025-01-01T05:00Z 2026-01-01T05:00Z",
    ]);
  });
});

describe("clock changes", () => {
  it("a day in Berlin lasts 23 hours in spring and 25 in autumn", () => {
    const spring = periodAt(new Date("2026-03-29T12:00:00Z"), rule("day", "Europe/Berlin"));
    const autumn = periodAt(new Date("2026-10-25T12:00:00Z"), rule("day", "Europe/Berlin"));
    expect([shown(spring), hours(spring)]).toEqual(["2026-03-28T23:00Z 2026-03-29T22:00Z", 23]);
    expect([shown(autumn), hours(autumn)]).toEqual(["2026-10-24T22:00Z 2026-10-25T23:00Z", 25]);
  });

  it("a week in New York is an hour short in spring and an hour long in autumn", () => {
    const spring = periodAt(new Date("2026-03-08T12:00:00Z"), rule("week", "America/New_York"));
    const autumn = periodAt(new Date("2026-11-01T12:00:00Z"), rule("week", "America/New_York"));
    expect([shown(spring), hours(spring)]).toEqual(["2026-03-02T05:00Z 2026-03-09T04:00Z", 167]);
    expect([shown(autumn), hours(autumn)]).toEqual(["2026-10-26T04:00Z 2026-11-02T05:00Z", 169]);
  });

  it("a day on Lord Howe Island changes by half an hour", () => {
    const autumn = periodAt(new Date("2026-04-05T00:00:00Z"), rule("day", "Australia/Lord_Howe"));
    expect([shown(autumn), hours(autumn)]).toEqual(["2026-04-04T13:00Z 2026-04-05T13:30Z", 24.5]);
  });

  it("a boundary inside a gap moves later, one inside an overlap is its second pass", () => {
    const daily = rule("day", "Europe/Berlin", "2026-01-01T01:30:00Z");
    expect(starts("2026-03-28T12:00:00Z", daily, 3)).toEqual([
      "2026-03-28T01:30Z",
      "2026-03-29T01:30Z",
      "2026-03-30T00:30Z",
    ]);
    expect(starts("2026-10-24T12:00:00Z", daily, 3)).toEqual([
      "2026-10-24T00:30Z",
      "2026-10-25T01:30Z",
      "2026-10-26T01:30Z",
    ]);
  });

  it("an anchor in the first pass of an overlap counts from the second pass", () => {
    const anchored = rule("month", "Europe/Berlin", "2026-10-25T00:30:00Z");
    expect(shown(periodAt(new Date("2026-10-25T00:30:00Z"), anchored))).toBe(
      "2026-09-25T00:30Z 2026-10-25T01:30Z",
    );
  });

  it("the day that Samoa skipped is no period", () => {
    expect(starts("2011-12-29T12:00:00Z", rule("day", "Pacific/Apia"), 3)).toEqual([
      "2011-12-29T10:00Z",
      "2011-12-30T10:00Z",
      "2011-12-31T10:00Z",
    ]);
  });
});

describe("what is refused", () => {
  it("only IANA names which PostgreSQL reads alike are time zones", () => {
    expect(
      [...ZONES, "Etc/UTC", "America/Argentina/Buenos_Aires"].filter((name) => !isTimeZone(name)),
    ).toEqual([]);
    const refused = [
      "",
      "+02:00",
      "UTC+2",
      "CET",
      "EST5EDT",
      "utc",
      "Foo/Bar",
      "Foo/Bar+3",
      "Europe/Berlin+3",
    ];
    const unknownToPostgres = [
      "SystemV/EST5EDT",
      "US/Pacific-New",
      "Canada/East-Saskatchewan",
      "Etc/Unknown",
    ];
    const padded = [" UTC", "Europe/Berlin\n", "Europe/../Berlin", "posix/Europe/Berlin"];
    expect([...refused, ...unknownToPostgres, ...padded].filter(isTimeZone)).toEqual([]);
  });

  it("a period in an unknown zone or at an invalid date is an error, not a guess", () => {
    const now = new Date("2026-01-01T00:00:00Z");
    expect(() => periodAt(now, rule("day", "+02:00"))).toThrow(RangeError);
    expect(() => periodAt(now, rule("day", "Europe/Nowhere"))).toThrow(RangeError);
    expect(() => periodAt(new Date(Number.NaN), rule("day", "UTC"))).toThrow(RangeError);
    expect(() => periodAt(now, rule("day", "UTC", "never"))).toThrow(RangeError);
  });
});

it("the system clock tells the machine's time", () => {
  const before = Date.now();
  const now = systemClock().getTime();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

it("a day begins at its own midnight in the zone: at the first of two, and where there is none, right after", () => {
  const at = (...day: Parameters<typeof dayStartsAt>) => dayStartsAt(...day).toISOString();
  expect(at("2026-11-21", "UTC")).toBe("2026-11-21T00:00:00.000Z");
  expect(at("2026-11-21", "Pacific/Auckland")).toBe("2026-11-20T11:00:00.000Z");
  expect(at("2026-12-01", "America/New_York", { months: 1 })).toBe("2027-01-01T05:00:00.000Z");
  expect(at("2026-03-29", "Europe/Berlin", { days: 1 })).toBe("2026-03-29T22:00:00.000Z");
  expect(at("2026-09-06", "America/Santiago")).toBe("2026-09-06T04:00:00.000Z");
  // Havana's clocks go from 01:00 back to 00:00 on a first of the month: the day and the month begin once.
  expect(at("2026-11-01", "America/Havana")).toBe("2026-11-01T04:00:00.000Z");
  expect(at("2026-10-01", "America/Havana", { months: 1 })).toBe("2026-11-01T04:00:00.000Z");
  expect(dayOf(new Date("2026-11-01T04:00:00.000Z"), "America/Havana")).toBe("2026-11-01");
  expect(dayOf(new Date("2026-11-01T03:59:59.999Z"), "America/Havana")).toBe("2026-10-31");
  expect(dayOf(new Date("2026-11-20T11:00:00.000Z"), "Pacific/Auckland")).toBe("2026-11-21");
  expect(() => dayStartsAt("2026-02-30", "UTC")).toThrow(RangeError);
  expect(() => dayStartsAt("2026-02-20", "CET")).toThrow(RangeError);
});
