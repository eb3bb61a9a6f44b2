import fc from "fast-check";
import { expect, test } from "vitest";
import { allowanceEndsAt, type Runway, runsOutAt } from "@/server/quota/runway";

const DAY_MS = 86_400_000;
const STEP_MS = 600_000;
const WALKED_DAYS = 60;
const NOW = new Date("2026-03-02T09:00:00Z");
const inDays = (days: number) => new Date(NOW.getTime() + days * DAY_MS);

/** The slow truth: ten minutes at a time, from one source after the other, as the gate draws. */
function walk(unitsPerDay: number, given: Runway): number | null {
  const lots = given.lots.map((lot) => ({ ...lot }));
  let left = { allowance: given.allowanceLeft, overage: given.overageLeft, cap: given.capLeft };
  let resetMs = given.resetsAt!.getTime();
  for (let atMs = NOW.getTime(); atMs < inDays(WALKED_DAYS).getTime(); atMs += STEP_MS) {
    if (atMs >= resetMs) {
      resetMs += given.windowDays * DAY_MS;
      left = { allowance: given.allowance, overage: given.overage, cap: given.cap };
    }
    let wanted = (unitsPerDay * STEP_MS) / DAY_MS;
    if (wanted > left.cap) return atMs;
    left.cap -= wanted;
    const take = (available: number) => {
      const taken = Math.min(available, wanted);
      wanted -= taken;
      return available - taken;
    };
    left.allowance = take(left.allowance);
    for (const lot of lots) if (!lot.expiresAt || lot.expiresAt.getTime() > atMs) lot.units = take(lot.units);
    left.overage = take(left.overage);
    if (wanted > 1e-6) return atMs;
  }
  return null;
}

const count = fc.integer({ min: 0, max: 60_013 });
const runway = fc
  .record({
    allowanceLeft: count,
    allowance: count,
    lots: fc.array(fc.record({ units: count, days: fc.option(fc.integer({ min: 1, max: 20 })) }), {
      maxLength: 3,
    }),
    overageLeft: fc.integer({ min: 0, max: 10_007 }),
    overage: fc.integer({ min: 0, max: 10_007 }),
    cap: fc.option(fc.integer({ min: 20_011, max: 80_021 })),
    resetDays: fc.integer({ min: 1, max: 7 }),
  })
  .map(({ lots, cap, resetDays, ...rest }) => ({
    ...rest,
    windowDays: 7,
    resetsAt: inDays(resetDays),
    lots: lots.map(({ units, days }) => ({ units, expiresAt: days === null ? null : inDays(days) })),
    capLeft: cap ?? Number.POSITIVE_INFINITY,
    cap: cap ?? Number.POSITIVE_INFINITY,
  }));

test("the runway ends where a walk of ten minutes a step ends", () => {
  let ended = 0;
  fc.assert(
    fc.property(runway, fc.integer({ min: 997, max: 29_989 }), (given, unitsPerDay) => {
      const walked = walk(unitsPerDay, given);
      const quick = runsOutAt(NOW, unitsPerDay, given);
      if (walked === null) {
        expect(quick === null || quick >= inDays(WALKED_DAYS)).toBe(true);
        return;
      }
      ended += 1;
      expect(Math.abs(quick!.getTime() - walked)).toBeLessThanOrEqual(STEP_MS);
    }),
    { numRuns: 500 },
  );
  expect(ended).toBeGreaterThan(50);
});

const even: Runway = {
  allowanceLeft: 70,
  allowance: 70,
  resetsAt: inDays(7),
  windowDays: 7,
  lots: [],
  overageLeft: 0,
  overage: 0,
  capLeft: Number.POSITIVE_INFINITY,
  cap: Number.POSITIVE_INFINITY,
};

test("an allowance that lasts exactly to the reset has no end, in this window and all that follow", () => {
  expect(runsOutAt(NOW, 10, even)).toBeNull();
  expect(runsOutAt(NOW, 0, { ...even, allowanceLeft: 0, allowance: 0 })).toBeNull();
  expect(allowanceEndsAt(NOW, 10, even)).toBeNull();
  expect(allowanceEndsAt(NOW, 10, { ...even, allowanceLeft: 69 })).toEqual(inDays(6.9));
  expect(allowanceEndsAt(NOW, 0, { ...even, allowanceLeft: 0 })).toBeNull();
});

test("nothing left is an end now, and what lasts longer than a year is none", () => {
  const level = { ...even, resetsAt: null, windowDays: Number.POSITIVE_INFINITY };
  expect(runsOutAt(NOW, 1, { ...level, allowanceLeft: 0 })).toEqual(NOW);
  expect(runsOutAt(NOW, 1, { ...level, allowanceLeft: 365 })).toEqual(inDays(365));
  expect(runsOutAt(NOW, 1, { ...level, allowanceLeft: 400 })).toBeNull();
  expect(
    runsOutAt(NOW, 100, {
      ...even,
      overageLeft: Number.POSITIVE_INFINITY,
      overage: Number.POSITIVE_INFINITY,
    }),
  ).toBeNull();
});
