import fc from "fast-check";
import { expect, test } from "vitest";
import { leftOf, readStandings, type Standing, writeStandings } from "@/lib/standings";

const units = fc.maxSafeNat();
const moved = fc.maxSafeInteger().map((amount) => amount || 0);
const instant = fc.date({ min: new Date(0), max: new Date("2200-01-01"), noInvalidDate: true });
const standing: fc.Arbitrary<Standing> = fc.record({
  feature: fc.stringMatching(/^[a-z][a-z0-9_]{0,39}$/),
  used: units,
  limit: fc.option(units),
  resetsAt: fc.option(instant),
  moved: fc.record({ lots: moved, credits: moved, beyond: moved, over: moved }),
  blocked: fc.option(fc.boolean()),
  settled: fc.boolean(),
  at: instant,
});

test("what one side writes the other reads, whatever it is", () => {
  fc.assert(
    fc.property(fc.array(standing, { maxLength: 10 }), (standings) => {
      expect(readStandings(writeStandings(standings))).toEqual(standings);
    }),
  );
});

test("headers that a proxy joined, or spaced out, say the same", () => {
  const known = '"compute";used=85;limit=100;resets=1795859130000;at=1';
  expect(
    readStandings(`  "compute" ; used=85; limit=100 ;resets=1795859130000;at=1 ,"users";used=3;at=2`),
  ).toEqual([
    ...readStandings(known),
    {
      feature: "users",
      used: 3,
      limit: null,
      resetsAt: null,
      moved: { lots: 0, credits: 0, beyond: 0, over: 0 },
      blocked: null,
      settled: false,
      at: new Date(2),
    },
  ]);
});

test("a newer server may say more than is understood", () => {
  expect(readStandings('"compute";used=1;mood=7;at=1;bright')).toHaveLength(1);
});

test.each([
  null,
  "",
  ",",
  "compute;used=1;at=1",
  '"compute";used=1',
  '"compute";at=1',
  '"compute";used=x;at=1',
  '"a"b',
])("%j says nothing", (header) => {
  expect(readStandings(header)).toEqual([]);
});

test("no header, however odd, makes the reader fail", () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      expect(readStandings(header)).toBeInstanceOf(Array);
    }),
  );
});

test("the share used is exact and never says 100 % too early", () => {
  expect(leftOf(9_999, 10_000)).toEqual({ remaining: 1, percent: 99 });
  expect(leftOf(Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER)).toEqual({ remaining: 1, percent: 99 });
  expect(leftOf(0, 0)).toEqual({ remaining: 0, percent: 100 });
  expect(leftOf(7, 5)).toEqual({ remaining: 0, percent: 140 });
  expect(leftOf(7, null)).toEqual({ remaining: null, percent: null });
});
