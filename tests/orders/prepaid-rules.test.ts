import fc from "fast-check";
import { expect, test } from "vitest";
import type { PrepaidPrice } from "@/lib/price-list";
import { isRunning, type PrepaidLine, prepaidStanding } from "@/server/orders/prepaid-rules";

const STANDARD: PrepaidPrice = { kind: "prepaid", priceMinor: 2_000, days: 30, creditsPerDayLeft: 500 };
const PREMIUM: PrepaidPrice = { kind: "prepaid", priceMinor: 10_000, days: 30, creditsPerDayLeft: 2_000 };
const DAY_MS = 86_400_000;
const START = Date.parse("2026-03-02T09:00:00Z");
const day = (days: number) => new Date(START + days * DAY_MS);

let orders = 0;
function bought(planId: "standard" | "premium", at: number, days = 30): PrepaidLine {
  orders += 1;
  const price = planId === "standard" ? STANDARD : PREMIUM;
  const orderId = `ord_${String(orders).padStart(4, "0")}`;
  return { orderId, line: 1, planId, planVersion: `${planId}@1`, price, days, fulfilledAt: day(at) };
}
const termOf = (lines: PrepaidLine[]) => {
  const { term } = prepaidStanding(lines);
  return term && { plan: term.planId, endsAt: term.endsAt };
};
const givenBy = (lines: PrepaidLine[]) => [...prepaidStanding(lines).compensations.values()];

test("without an order there is no term", () => {
  expect(prepaidStanding([])).toEqual({ term: null, compensations: new Map() });
});

test("paying for the plan one has adds days to the later of now and the current end", () => {
  const first = bought("standard", 0);
  expect(termOf([first])).toEqual({ plan: "standard", endsAt: day(30) });
  expect(termOf([first, bought("standard", 10)])).toEqual({ plan: "standard", endsAt: day(60) });
  expect(termOf([first, bought("standard", 30)])).toEqual({ plan: "standard", endsAt: day(60) });
  expect(termOf([first, bought("standard", 45)])).toEqual({ plan: "standard", endsAt: day(75) });
});

test("an upgrade gives each started day left its credits, and runs on from the old end", () => {
  const lines = [bought("standard", 0), bought("premium", 10.5)];
  expect(termOf(lines)).toEqual({ plan: "premium", endsAt: day(60) });
  expect(givenBy(lines)).toEqual([20 * 500]);
  expect(givenBy([bought("standard", 0), bought("premium", 30)])).toEqual([]);
  expect(givenBy([bought("standard", 0), bought("premium", 29.999)])).toEqual([500]);
});

test("days whose money went back are as if they had never been, with all that followed from them", () => {
  const [standard, premium] = [bought("standard", 0), bought("premium", 10)];
  expect(termOf([standard, { ...premium, days: 0 }])).toEqual({ plan: "standard", endsAt: day(30) });
  expect(givenBy([standard, { ...premium, days: 0 }])).toEqual([]);
  expect(termOf([{ ...standard, days: 0 }, premium])).toEqual({ plan: "premium", endsAt: day(40) });
  expect(givenBy([{ ...standard, days: 0 }, premium])).toEqual([]);
  expect(givenBy([{ ...standard, days: 15 }, premium])).toEqual([5 * 500]);
});

test("a cheaper plan whose money arrives all the same pays for days of the dearer one, never more than it is worth", () => {
  const lines = [bought("premium", 0), bought("standard", 5)];
  expect(termOf(lines)).toEqual({ plan: "premium", endsAt: day(36) });
  expect(givenBy(lines)).toEqual([]);
});

const line = fc
  .record({
    plan: fc.constantFrom("standard" as const, "premium" as const),
    at: fc.nat(120),
    days: fc.nat(60),
  })
  .map(({ plan, at, days }) => bought(plan, at, days));

test("the order in which lines are read changes nothing", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.nat(), (lines, seed) => {
      const mixed = [...lines].sort((a, b) => ((a.orderId.charCodeAt(7) * seed) % 7) - ((b.line * seed) % 7));
      expect(prepaidStanding(mixed)).toEqual(prepaidStanding(lines));
    }),
  );
});

test("no days are lost or made up: of one plan, the end is exactly what was paid for", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ at: fc.nat(120), days: fc.integer({ min: 1, max: 60 }) })), (buys) => {
      const sorted = [...buys].sort((a, b) => a.at - b.at);
      const end = sorted.reduce((until, { at, days }) => Math.max(until, at) + days, 0);
      const lines = sorted.map(({ at, days }) => bought("standard", at, days));
      const { term } = prepaidStanding(lines);
      expect(term?.endsAt ?? day(0)).toEqual(day(end));
    }),
  );
});

test("more of a plan never ends it sooner, and an end that has come is over", () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), fc.nat(60), (lines, days) => {
      const until = prepaidStanding(lines).term?.endsAt?.getTime() ?? 0;
      const last = Math.max(...lines.map(({ fulfilledAt }) => (fulfilledAt.getTime() - START) / DAY_MS));
      const more = prepaidStanding([...lines, bought("premium", last, days)]).term;
      const end = more?.endsAt;
      expect(end?.getTime() ?? 0).toBeGreaterThanOrEqual(until);
      if (end)
        expect([isRunning(more, end), isRunning(more, new Date(end.getTime() - 1))]).toEqual([false, true]);
    }),
  );
});
