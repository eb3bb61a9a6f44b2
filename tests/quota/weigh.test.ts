import fc from "fast-check";
import { expect, test } from "vitest";
import { weigh } from "@/server/quota/weigh";

const weight = fc.record({ units: fc.nat(10_000), per: fc.integer({ min: 1, max: 1_000_000 }) });
const cost = fc.record({ weight, amount: fc.nat(1_000_000_000) });
const many = fc.record({ base: fc.nat(1_000), costs: fc.array(cost, { maxLength: 8 }) });
const named = (costs: { weight: { units: number; per: number }; amount: number }[]) => ({
  weights: Object.fromEntries(costs.map((one, at) => [`c${at}`, one.weight])),
  amounts: Object.fromEntries(costs.map((one, at) => [`c${at}`, one.amount])),
});

test("weighing is exact, rounds once, up, and its parts sum to what is charged", () => {
  fc.assert(
    fc.property(many, ({ base, costs }) => {
      const { weights, amounts } = named(costs);
      const weighed = weigh({ base, weights }, amounts);
      const parts = Object.values(weighed.costs);
      // An oracle in one fraction: the sum over the product of all denominators.
      const over = costs.reduce((product, one) => product * BigInt(one.weight.per), 1n);
      const sum = costs.reduce(
        (total, { weight: { units, per }, amount }) =>
          total + (BigInt(amount) * BigInt(units) * over) / BigInt(per),
        0n,
      );
      const above = BigInt(weighed.units - base) * over - sum;
      expect(above >= 0n && above < over).toBe(true);
      expect(parts.reduce((total, units) => total + units, base)).toBe(weighed.units);
      for (const [at, { weight, amount }] of costs.entries()) {
        const exact = (amount * weight.units) / weight.per;
        expect(parts[at]).toBeGreaterThanOrEqual(Math.floor(exact));
        expect(parts[at]).toBeLessThanOrEqual(Math.ceil(exact));
      }
    }),
  );
});

test("weighing does not depend on the order in which costs are named", () => {
  fc.assert(
    fc.property(many, ({ base, costs }) => {
      const { weights, amounts } = named(costs);
      const turned = Object.fromEntries(Object.entries(amounts).toReversed());
      expect(weigh({ base, weights }, turned)).toEqual(weigh({ base, weights }, amounts));
    }),
  );
});

test("three thirds are one unit, and the largest rest has it; a tie goes to the first name", () => {
  const third = { units: 1, per: 3 };
  const weights = { b: third, a: third, c: third };
  expect(weigh({ base: 0, weights }, { b: 1, a: 1, c: 1 })).toEqual({
    units: 1,
    costs: { b: 0, a: 1, c: 0 },
  });
  expect(weigh({ base: 4, weights }, { b: 1, a: 1, c: 2 })).toEqual({
    units: 6,
    costs: { b: 0, a: 1, c: 1 },
  });
  expect(weigh({ base: 4, weights }, {})).toEqual({ units: 4, costs: {} });
  expect(weigh({ base: 0, weights }, { a: 0 })).toEqual({ units: 0, costs: { a: 0 } });
});

test("amounts that floating point would blur are exact", () => {
  const weights = { a: { units: 3, per: 3 }, b: { units: 1, per: 9_007_199_254_740_991 } };
  expect(weigh({ base: 0, weights }, { a: 9_007_199_254_740_989 }).units).toBe(9_007_199_254_740_989);
  expect(weigh({ base: 0, weights }, { a: 9_007_199_254_740_989, b: 1 }).units).toBe(9_007_199_254_740_990);
  expect(() => weigh({ base: 0, weights: { a: { units: 2, per: 1 } } }, { a: 2 ** 52 + 1 })).toThrow(
    "more units than can be counted",
  );
});

test("a cost without a rate is refused, also one that every object has", () => {
  for (const name of ["other", "constructor", "__proto__", "toString"])
    expect(() => weigh({ base: 1, weights: {} }, JSON.parse(`{"${name}": 1}`))).toThrow("no cost called");
});
