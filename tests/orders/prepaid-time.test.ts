import fc from "fast-check";
import { expect, test } from "vitest";
import { type PrepaidLine, prepaidStanding } from "@/server/orders/prepaid-rules";
import type { Span } from "@/server/subscriptions/prepaid-time-rules";

const WEEK = { kind: "prepaid", priceMinor: 700, days: 7, creditsPerDayLeft: 10 } as const;
const DAY_MS = 86_400_000;
const START = Date.parse("2026-03-02T00:00:00Z");
const day = (n: number) => new Date(START + n * DAY_MS);
const bought = fc.record({ at: fc.nat(90), days: fc.integer({ min: 1, max: 20 }), back: fc.nat(20) });
const subscribed = fc.record({ gap: fc.integer({ min: 1, max: 20 }), days: fc.integer({ min: 1, max: 40 }) });
const LAST_DAY = 700;

test("whatever is bought, given back and subscribed to: each day that was paid for runs once, outside of all subscriptions", () => {
  const histories = [
    fc.array(bought, { maxLength: 8 }),
    fc.array(subscribed, { maxLength: 6 }),
    fc.boolean(),
  ] as const;
  fc.assert(
    fc.property(...histories, (buys, subscriptions, isOpen) => {
      let at = 0;
      const times = subscriptions.map(({ gap, days }, index) => {
        const from = at + gap;
        at = from + days;
        return { from, until: isOpen && index === subscriptions.length - 1 ? null : at };
      });
      // Day by day: what is left grows with each purchase, and shrinks on each day without a subscription.
      let left = 0;
      let end: number | null = null;
      for (let n = 0; n < LAST_DAY; n += 1) {
        for (const { at: when, days, back } of buys) if (when === n) left += Math.max(days - back, 0);
        const waits = times.some(({ from, until }) => from <= n && (until === null || n < until));
        if (left === 0 || waits) continue;
        left -= 1;
        if (left === 0) end = n + 1;
      }
      const lines = buys.map(
        ({ at: when, days, back }, index): PrepaidLine => ({
          orderId: `ord_${index}`,
          line: 1,
          planId: "week",
          planVersion: "week@1",
          price: WEEK,
          days: Math.max(days - back, 0),
          fulfilledAt: day(when),
        }),
      );
      const spans = times.map(
        ({ from, until }): Span => ({
          beginsAt: day(from),
          endsAt: until === null ? null : day(until),
        }),
      );
      const { term } = prepaidStanding(lines, spans);
      const expected = left > 0 || end === null ? null : day(end);
      expect(term?.endsAt ?? null).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});
