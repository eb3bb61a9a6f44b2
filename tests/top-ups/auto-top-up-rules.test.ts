import fc from "fast-check";
import type Stripe from "stripe";
import { expect, test } from "vitest";
import {
  type TopUpStanding,
  topUpDecision,
  topUpOutcome,
  topUpWaitSeconds,
} from "@/server/top-ups/auto-top-up-rules";

const money = fc.bigInt({ min: 0n, max: 1_000_000n });
const credits = fc.integer({ min: 0, max: 10_000 });
const price = fc.integer({ min: 1, max: 10_000 });

const standings: fc.Arbitrary<TopUpStanding> = fc.record({
  isOn: fc.boolean(),
  terms: fc.record({
    threshold: fc.integer({ min: 1, max: 10_000 }),
    packId: fc.constant("p"),
    credits: fc.constantFrom(100, 200),
    priceMinor: price.map(BigInt),
    currency: fc.constantFrom("usd", "eur"),
    monthlyCapMinor: money,
  }),
  pack: fc.option(
    fc.record({
      id: fc.constant("p"),
      name: fc.constant("P"),
      credits: fc.constantFrom(100, 200),
      priceMinor: price,
      expiresAfterDays: fc.constant(null),
    }),
  ),
  currency: fc.constantFrom("usd", "eur"),
  spendable: credits,
  isBarred: fc.boolean(),
  spentMinor: money,
});

test("a pack is bought only when on, below the threshold, not barred, as agreed, and within the month's cap", () => {
  fc.assert(
    fc.property(standings, (standing) => {
      const { isOn, terms, pack, currency, spendable, isBarred, spentMinor } = standing;
      const isBought = topUpDecision(standing) === "buy";
      const mayBeBought =
        isOn &&
        spendable < terms.threshold &&
        !isBarred &&
        pack !== null &&
        currency === terms.currency &&
        BigInt(pack.priceMinor) <= terms.priceMinor &&
        pack.credits >= terms.credits &&
        spentMinor + BigInt(pack.priceMinor) <= terms.monthlyCapMinor;
      expect(isBought).toBe(mayBeBought);
    }),
    { numRuns: 2_000 },
  );
});

test("buying until it says no never passes the month's cap, and stops only when no further pack would fit", () => {
  fc.assert(
    fc.property(price, money, (priceMinor, monthlyCapMinor) => {
      const pack = { id: "p", name: "P", credits: 1, priceMinor, expiresAfterDays: null };
      const terms = {
        threshold: 1,
        packId: "p",
        credits: 1,
        priceMinor: BigInt(priceMinor),
        currency: "usd",
        monthlyCapMinor,
      };
      const standing = { isOn: true, terms, pack, currency: "usd", spendable: 0, isBarred: false };
      const most = monthlyCapMinor / BigInt(priceMinor);
      const decided = (count: bigint) =>
        topUpDecision({ ...standing, spentMinor: count * BigInt(priceMinor) });
      if (most > 0n) expect(decided(most - 1n)).toBe("buy");
      expect(decided(most)).toBe("capped");
    }),
  );
});

test("what is off stays off whatever else holds, and a recovered balance is told before anything that bars", () => {
  fc.assert(
    fc.property(standings, (standing) => {
      expect(topUpDecision({ ...standing, isOn: false })).toBe("off");
      const spendable = standing.terms.threshold;
      expect(topUpDecision({ ...standing, isOn: true, spendable })).toBe("recovered");
    }),
  );
});

test("waiting after a fault grows from a minute to an hour and no further", () => {
  const waits = Array.from({ length: 60 }, (_, at) => topUpWaitSeconds(at + 1));
  expect(waits.slice(0, 7)).toEqual([60, 120, 240, 480, 960, 1_920, 3_600]);
  expect(new Set(waits.slice(7))).toEqual(new Set([3_600]));
});

const intent = (status: string, error: object | null = null) =>
  ({ status, last_payment_error: error }) as unknown as Stripe.PaymentIntent;

test.each([
  ["succeeded", null, { kind: "paid" }],
  ["processing", null, { kind: "processing" }],
  ["requires_capture", null, { kind: "processing" }],
  ["requires_confirmation", null, { kind: "unasked" }],
  ["canceled", null, { kind: "canceled" }],
  ["requires_action", null, { kind: "failed", reason: "authentication_required" }],
  ["requires_payment_method", null, { kind: "failed", reason: "declined", code: "declined" }],
  [
    "requires_payment_method",
    {
      code: "card_declined",
      decline_code: "insufficient_funds",
      message: "Your card has insufficient funds.",
    },
    {
      kind: "failed",
      reason: "declined",
      code: "insufficient_funds",
      message: "Your card has insufficient funds.",
    },
  ],
  [
    "requires_payment_method",
    { code: "authentication_required", decline_code: "authentication_required", message: "Confirm it." },
    { kind: "failed", reason: "authentication_required", message: "Confirm it." },
  ],
  [
    "requires_payment_method",
    { code: "expired_card" },
    { kind: "failed", reason: "declined", code: "expired_card" },
  ],
])("an intent that is %s with %j is read as %j", (status, error, expected) => {
  expect(topUpOutcome(intent(status, error))).toMatchObject(expected);
});
