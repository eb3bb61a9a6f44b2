import fc from "fast-check";
import { expect, test } from "vitest";
import { aimOf, later, leapJanuary, nextStop, soonest } from "@/server/time/rules";

const DAY_MS = 86_400_000;
const at = (text: string) => new Date(text);
const now = at("2027-01-31T09:30:00.000Z");

test.each([
  [{ hours: 2 }, "2027-01-31T11:30:00.000Z"],
  [{ days: 1 }, "2027-02-01T09:30:00.000Z"],
  [{ months: 1 }, "2027-02-28T09:30:00.000Z"],
  [{ months: 13 }, "2028-02-29T09:30:00.000Z"],
  [{ to: at("2027-06-01T00:00:00.000Z") }, "2027-06-01T00:00:00.000Z"],
])("%j leads to %s", (wish, expected) => {
  expect(aimOf(now, wish, null)?.toISOString()).toBe(expected);
});

test("what comes next is an aim when something does; the past, this instant and what is too far are none", () => {
  const next = { at: at("2027-02-02T00:00:00.000Z"), what: "a reset" };
  expect(aimOf(now, { next: true }, next)).toEqual(next.at);
  expect(aimOf(now, { next: true }, null)).toBeNull();
  for (const to of [now, at("2027-01-31T09:29:59.999Z"), at("2032-02-01T00:00:00.000Z")])
    expect(aimOf(now, { to }, null)).toBeNull();
});

test("stops lead forward to the aim, a day at most, and pass over nothing that is due", () => {
  const offsets = fc.array(fc.integer({ min: -10 * DAY_MS, max: 40 * DAY_MS }), { maxLength: 20 });
  fc.assert(
    fc.property(offsets, fc.integer({ min: 1, max: 30 * DAY_MS }), (offsetsMs, lengthMs) => {
      const dues = offsetsMs.map((ms) => ({ at: new Date(now.getTime() + ms), what: "something" }));
      const aim = new Date(now.getTime() + lengthMs);
      const stops: number[] = [];
      for (let here = now; here < aim; stops.push(here.getTime())) {
        const stop = nextStop(here, aim, soonest(here, dues));
        expect(stop.getTime() - here.getTime()).toBeGreaterThan(0);
        expect(stop.getTime() - here.getTime()).toBeLessThanOrEqual(DAY_MS);
        here = stop;
      }
      expect(stops.at(-1)).toBe(aim.getTime());
      const due = dues
        .map((one) => one.at.getTime())
        .filter((ms) => ms > now.getTime() && ms <= aim.getTime());
      expect(due.filter((ms) => !stops.includes(ms))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("the next 31 January of a leap year lies ahead, and a month after it comes 29 February", () => {
  for (const from of ["2026-11-21T15:00:00Z", "2028-01-31T09:00:00Z", "2096-02-01T00:00:00Z"]) {
    const found = leapJanuary(at(from));
    expect(found > at(from)).toBe(true);
    expect(later(found, { months: 1 }).toISOString().slice(4, 10)).toBe("-02-29");
  }
  expect(leapJanuary(at("2026-11-21T15:00:00Z")).toISOString()).toBe("2028-01-31T09:00:00.000Z");
});
