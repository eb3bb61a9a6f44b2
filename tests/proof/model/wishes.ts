import fc from "fast-check";
import type { Op, OverflowPolicy } from "./ops";

/** A wish before it is known what there is: `at` picks a hold, an entry, a lease or an earlier call, whatever there is by then. */
export type Wish =
  | Exclude<Op, { hold: string } | { entry: string } | { lease: string } | { do: "grant" }>
  | { do: "commit"; at: number; units: number }
  | { do: "releaseHold"; at: number }
  | { do: "refund"; at: number; units?: number; key: string; lapsed?: "forfeit" | "regrant" }
  | { do: "heartbeat" | "releaseLease"; at: number }
  | Omit<Extract<Op, { do: "grant" }>, "source">
  | { do: "again"; at: number };

export const HOUR_MS = 3_600_000;
export const at = fc.nat(50);
const units = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 14 }) },
  { weight: 3, arbitrary: fc.integer({ min: 15, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 61, max: 200 }) },
);
const few = fc.integer({ min: 1, max: 4 });
/** FRESH becomes a key of the call's own; the others meet each other. */
export const FRESH = "fresh";
const maybeKey = fc.constantFrom(undefined, undefined, FRESH, FRESH, "k1", "k2");
const key = fc.constantFrom(FRESH, FRESH, FRESH, "k1", "k2");
/** Meters stand for whatever a history is about: few at a time, so that its calls meet. */
export const METERS = ["compute", "messages", "calls", "drafts", "exports"] as const;
const meter = fc.constantFrom("meter 0", "meter 0", "meter 1", "meter 2");
const level = fc.constantFrom("seats", "seats", "boxes");
const limited = fc.oneof(meter, level, fc.constantFrom("render", "runs"));
const costs = fc.record({ frames: fc.nat(30), samples: fc.nat(8) });
const confirmed = fc.constantFrom(undefined, undefined, true);
const overflow = fc.constantFrom<OverflowPolicy[]>("reject", "cap", "overflow");
export const spanMs = fc.integer({ min: 1, max: 200 }).map((hours) => hours * HOUR_MS);
const limit = fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 120 }));

const wished = <K extends string, R>(name: K, rest: { [P in keyof R]: fc.Arbitrary<R[P]> }) =>
  fc.record({ do: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<{ do: K } & R>;
const given = <T extends object>(record: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  record.map((value) => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T);

const draws: [number, fc.Arbitrary<object>][] = [
  [10, wished("consume", { feature: meter, units, key: maybeKey, confirmed, keepDenial: confirmed })],
  [3, wished("consume", { feature: level, units: few, key: maybeKey })],
  [2, wished("consume", { feature: fc.constant("render"), costs, key: maybeKey })],
  [3, wished("check", { feature: fc.oneof(meter, level), units, confirmed })],
  [
    5,
    wished("reserve", {
      feature: meter,
      units,
      key: maybeKey,
      seconds: fc.constantFrom(60, 900, 86_400),
      overflow,
      confirmed,
    }),
  ],
  [
    1,
    wished("reserve", {
      feature: fc.constant("render"),
      costs,
      key: maybeKey,
      seconds: fc.constant(900),
      overflow,
    }),
  ],
  [5, wished("commit", { at, units })],
  [2, wished("releaseHold", { at })],
  [
    3,
    wished("refund", {
      at,
      units: fc.option(few, { nil: undefined }),
      key,
      lapsed: fc.constantFrom(undefined, "forfeit", "regrant"),
    }),
  ],
  [2, wished("again", { at })],
];
const lots = fc.record({
  do: fc.constant("grant" as const),
  unit: fc.constantFrom("credits", "meter 0", "meter 1"),
  amount: fc.integer({ min: 1, max: 60 }),
  kind: fc.constantFrom("replenish", "trial", "promo", "compensation", "purchase"),
  expiresInMs: fc.option(spanMs, { nil: null }),
});
const rest: [number, fc.Arbitrary<object>][] = [
  [5, lots],
  [2, wished("give", { feature: level, units: few, key })],
  [1, wished("recount", { feature: level, count: fc.nat(6) })],
  [3, wished("acquire", { key, seconds: fc.constantFrom(60, 600, 3_600) })],
  [1, wished("heartbeat", { at })],
  [1, wished("releaseLease", { at })],
  [1, wished("sweepLeases", {})],
  [2, wished("sweepHolds", {})],
  [2, wished("rollDue", {})],
  [2, wished("override", { feature: limited, limit, expiresInMs: fc.option(spanMs, { nil: null }) })],
  [1, wished("endOverride", { feature: limited })],
  [1, wished("spendCap", { feature: fc.constant("calls"), minor: fc.option(fc.nat(150), { nil: null }) })],
  [1, wished("block", { reason: fc.constantFrom(null, null, "past_due", "suspended") })],
];
const move = wished("moveTo", {
  timeZone: fc.constantFrom("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"),
});
const plan = wished("entitle", {
  plan: fc.constantFrom("free", "pro", "pro", "max"),
  anchorInMs: fc.constantFrom(null, null, 0, -3 * HOUR_MS),
  interval: fc.constantFrom(undefined, undefined, "month", "year"),
});

const oneOf = (choices: [number, fc.Arbitrary<object>][]): fc.Arbitrary<Wish> =>
  fc.oneof(
    ...choices.map(([weight, arbitrary]) => ({ weight, arbitrary: given(arbitrary) })),
  ) as fc.Arbitrary<Wish>;

/** Any call, and one that draws or settles. */
export const anyWish = oneOf([...draws, ...rest, [2, plan], [1, move]]);
export const drawWish = oneOf(draws);
