import fc from "fast-check";
import { expect, test } from "vitest";
import { isDecided, isWithdrawn, moneyBackOf, shareOf, statusOf } from "@/server/orders/money-back-rules";

const STATUSES = [
  "needs_response",
  "under_review",
  "lost",
  "won",
  "prevented",
  "warning_needs_response",
  "warning_under_review",
  "warning_closed",
  "appeal_needs_response",
  "appeal_under_review",
  "something_new",
];
const refund = (amountMinor: bigint, status = "succeeded") => ({ amountMinor, status });
const dispute = (amountMinor: bigint, status = "needs_response") => ({ amountMinor, status });

test("only refunds that succeeded and disputes whose money the bank has are back", () => {
  const refunds = ["succeeded", "pending", "failed", "canceled", "requires_action"].map((s) =>
    refund(10n, s),
  );
  expect(moneyBackOf(1_000n, refunds, [])).toBe(10n);
  const counted = STATUSES.filter((status) => moneyBackOf(1_000n, [], [dispute(10n, status)]) === 10n);
  expect(counted).toEqual([
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
    "something_new",
  ]);
});

test("the same money is not back twice, whether it was refunded or disputed first", () => {
  expect(moneyBackOf(1_000n, [refund(400n)], [dispute(1_000n)])).toBe(1_000n);
  expect(moneyBackOf(1_000n, [refund(1_000n)], [dispute(1_000n, "lost")])).toBe(1_000n);
  expect(moneyBackOf(1_000n, [refund(400n)], [dispute(500n, "lost")])).toBe(900n);
});

test("an order is disputed while the bank has its money and has not decided", () => {
  const half = { moneyBackMinor: 500n, totalMinor: 1_000n };
  expect(statusOf(half, [dispute(500n)])).toBe("disputed");
  expect(statusOf(half, [dispute(500n, "lost")])).toBe("partially_refunded");
  expect(statusOf({ ...half, moneyBackMinor: 1_000n }, [])).toBe("refunded");
  expect(statusOf({ ...half, moneyBackMinor: 0n }, [dispute(500n, "warning_needs_response")])).toBe(
    "fulfilled",
  );
  expect(statusOf({ ...half, moneyBackMinor: 0n }, [dispute(500n, "won")])).toBe("fulfilled");
});

const money = fc.bigInt({ min: 1n, max: 10n ** 12n });
const units = fc.integer({ min: 0, max: 1_000_000 });

test("a share is whole, never more than was bought, all for all of the money only, and grows with the money", () => {
  fc.assert(
    fc.property(money, units, money, money, (totalMinor, bought, a, b) => {
      const back = (n: bigint) =>
        shareOf(bought, { totalMinor, moneyBackMinor: n < totalMinor ? n : totalMinor });
      const [less, more] = a < b ? [a, b] : [b, a];
      expect(Number.isSafeInteger(back(less))).toBe(true);
      expect(back(less)).toBeLessThanOrEqual(back(more));
      expect(back(totalMinor)).toBe(bought);
      expect(back(0n)).toBe(0);
      if (bought > 0 && less < totalMinor) expect(back(less)).toBeLessThan(bought);
      expect(BigInt(back(less)) * totalMinor).toBeLessThanOrEqual(BigInt(bought) * less);
    }),
  );
});

test("nothing is back of an order that cost nothing", () => {
  expect(shareOf(100, { totalMinor: 0n, moneyBackMinor: 0n })).toBe(0);
  expect(moneyBackOf(0n, [], [])).toBe(0n);
});

test("money back is the same in whatever order it is told, and no more than was paid", () => {
  const refunds = fc.array(
    fc.record({ amountMinor: money, status: fc.constantFrom("succeeded", "pending", "failed") }),
  );
  const disputes = fc.array(fc.record({ amountMinor: money, status: fc.constantFrom(...STATUSES) }));
  fc.assert(
    fc.property(money, refunds, disputes, (totalMinor, r, d) => {
      const back = moneyBackOf(totalMinor, r, d);
      expect(back).toBe(moneyBackOf(totalMinor, [...r].reverse(), [...d].reverse()));
      expect(back <= totalMinor && back >= 0n).toBe(true);
      const open = d.some(({ status }) => isWithdrawn(status) && !isDecided(status));
      expect(statusOf({ totalMinor, moneyBackMinor: back }, d) === "disputed").toBe(open);
    }),
  );
});
