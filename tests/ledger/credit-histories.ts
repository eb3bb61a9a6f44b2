import fc from "fast-check";

/** One step of a tenant's history with credits. Numbers that name a thing count modulo what there is of it. */
export type Step =
  | { do: "grant"; units: number; kind: "purchase" | "promo"; days: number | null }
  | { do: "consume"; units: number; refundable: boolean }
  | { do: "refund"; which: number; percent: number }
  | { do: "hold"; units: number }
  | { do: "release"; which: number }
  | { do: "commit"; which: number; percent: number }
  | { do: "takeBack"; which: number; percent: number }
  | { do: "wait"; hours: number }
  | { do: "writeOff" };

const which = fc.nat({ max: 9 });
const percent = fc.constantFrom(0, 30, 50, 100, 100);
const units = fc.integer({ min: 1, max: 60 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("grant" as const),
      units,
      kind: fc.constantFrom("purchase" as const, "purchase" as const, "promo" as const),
      days: fc.constantFrom(null, null, 1, 3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("consume" as const), units, refundable: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("refund" as const), which, percent }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hold" as const), units }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("commit" as const), which, percent }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("takeBack" as const), which, percent }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.constantFrom(1, 12, 24, 40, 80) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "writeOff" as const }) },
);

/** A history that begins with something to spend. */
export const histories = fc
  .tuple(units, fc.array(step, { minLength: 4, maxLength: 16 }))
  .map(([bought, steps]): Step[] => [{ do: "grant", units: bought, kind: "purchase", days: null }, ...steps]);
