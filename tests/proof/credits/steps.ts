import fc from "fast-check";
import { outstanding } from "./lots";
import type { Deed, GrantKind } from "./ops";
import { ALLOWED, CODES, DAY_MS } from "./prices";
import type { Line, State } from "./state";

/** A wish before it is known what there is: `at` picks a hold, an entry, an order or a lot, whatever there is by then. */
export type Wish =
  | { do: "grant"; kind: GrantKind; units: number; expiresInMs: number | null }
  | { do: "take back"; at: number; share: number }
  /** Of whatever lots there are, without `at`. */
  | { do: "correct"; at: number | null; units: number }
  | { do: "redeem"; code: string }
  | { do: "consume"; feature: string; units: number }
  | { do: "reserve"; feature: string; units: number; seconds: number }
  | { do: "commit"; at: number; units: number }
  | { do: "release"; at: number }
  | { do: "refund"; at: number; units?: number }
  | { do: "place"; lines: Line[] }
  | { do: "buy"; lines: Line[] }
  | { do: "fulfil"; at: number; tellers: number }
  | { do: "look"; at: number; all: boolean }
  | { do: "settle" | "write off" | "cron" | "plan" }
  | { do: "again"; at: number };

export type Happening = { [D in Deed as D["do"]]: Omit<D, "order" | "at" | "amountMinor"> }[Deed["do"]] & {
  at: number;
  /** Of the order's total, in hundredths. */
  share: number;
  /** Our side looks at it at once. */
  seen: boolean;
};

export type Step =
  | { do: "wait"; ms: number }
  | { do: "wait for an edge"; at: number; besideMs: number }
  | { do: "happens"; what: Happening }
  | { do: "at once"; wishes: Wish[] };

export interface History {
  policy: "block" | "allow";
  startMs: number;
  steps: Step[];
}

const HOUR_MS = 3_600_000;
const at = fc.nat(30);
const feature = fc.constantFrom("pages", "pages", "images");
const few = fc.integer({ min: 1, max: 25 });
const expiresInMs = fc.oneof(
  fc.constant(null),
  fc.constant(null),
  fc.integer({ min: 1, max: 40 }).map((days) => days * DAY_MS),
  fc.integer({ min: 1, max: 30 }).map((hours) => hours * HOUR_MS),
);
const kind = fc.constantFrom<GrantKind[]>(
  "trial",
  "promo",
  "compensation",
  "adjustment",
  "purchase",
  "purchase",
);

const creditLine = (expireAfterDays: number | null) =>
  fc.record({
    credits: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(3, 7, 10, 33, 100)),
    expireAfterDays: fc.constant(expireAfterDays),
  });
const planLine = fc.record({
  plan: fc.constantFrom("standard", "standard", "premium"),
  periods: fc.constantFrom(1, 1, 2),
});
/** Credits that are kept, credits that expire, a plan, or several of them in one payment. */
const lines: fc.Arbitrary<Line[]> = fc.oneof(
  fc.tuple(creditLine(null)),
  fc.tuple(creditLine(10)),
  fc.tuple(planLine),
  fc.tuple(planLine, creditLine(null)),
  fc.tuple(creditLine(null), creditLine(30)),
  fc.tuple(planLine, creditLine(90), creditLine(null)),
);

const WISHES = {
  grant: {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("grant" as const), kind, units: few, expiresInMs }),
  },
  "take back": {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("take back" as const), at, share: fc.nat(100) }),
  },
  correct: {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("correct" as const),
      at: fc.option(at, { nil: null }),
      units: few,
    }),
  },
  redeem: {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("redeem" as const),
      code: fc.constantFrom(...Object.keys(CODES), "NONE-0"),
    }),
  },
  consume: { weight: 8, arbitrary: fc.record({ do: fc.constant("consume" as const), feature, units: few }) },
  reserve: {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("reserve" as const),
      feature,
      units: few,
      seconds: fc.constantFrom(60, 3_600, 86_400),
    }),
  },
  commit: { weight: 3, arbitrary: fc.record({ do: fc.constant("commit" as const), at, units: fc.nat(30) }) },
  release: { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), at }) },
  refund: {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("refund" as const),
      at,
      units: fc.option(few, { nil: undefined }),
    }),
  },
  place: { weight: 2, arbitrary: fc.record({ do: fc.constant("place" as const), lines }) },
  buy: { weight: 7, arbitrary: fc.record({ do: fc.constant("buy" as const), lines }) },
  fulfil: {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("fulfil" as const), at, tellers: fc.integer({ min: 1, max: 4 }) }),
  },
  look: { weight: 4, arbitrary: fc.record({ do: fc.constant("look" as const), at, all: fc.boolean() }) },
  jobs: {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("settle" as const, "write off", "cron", "plan") }),
  },
  again: { weight: 4, arbitrary: fc.record({ do: fc.constant("again" as const), at }) },
};

/** What a history is about: only these calls, only these things at Stripe. */
export interface Topic {
  calls: (keyof typeof WISHES)[];
  happens: Deed["do"][];
}

const DEEDS = [
  { do: "refunded" as const, status: "succeeded" as const },
  { do: "refunded" as const, status: "succeeded" as const },
  { do: "refunded" as const, status: "pending" as const },
  { do: "refund settled" as const, status: "succeeded" as const },
  { do: "refund settled" as const, status: "failed" as const },
  { do: "disputed" as const },
  { do: "disputed" as const },
  { do: "dispute closed" as const, status: "won" as const },
  { do: "dispute closed" as const, status: "won" as const },
  { do: "dispute closed" as const, status: "lost" as const },
];

const happening = (happens: Topic["happens"]): fc.Arbitrary<Happening> =>
  fc
    .record({
      what: fc.constantFrom(...DEEDS.filter((deed) => happens.includes(deed.do))),
      at,
      share: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(100), fc.constant(50)),
      seen: fc.constantFrom(true, true, false),
    })
    .map(({ what, ...rest }) => ({ ...what, ...rest }));

const step = (
  { calls, happens }: Topic,
  wish = fc.oneof(...calls.map((call) => WISHES[call])),
): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("wait" as const),
        ms: fc.oneof(
          fc.integer({ min: 1, max: 48 }).map((hours) => hours * HOUR_MS),
          fc.integer({ min: 1, max: 40 }).map((days) => days * DAY_MS),
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("wait for an edge" as const),
        at: fc.nat(6),
        besideMs: fc.constantFrom(-1, 0, 0, 1),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("happens" as const), what: happening(happens) }) },
    { weight: 12, arbitrary: fc.record({ do: fc.constant("at once" as const), wishes: fc.tuple(wish) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("at once" as const),
        wishes: fc.array(wish, { minLength: 2, maxLength: 3 }),
      }),
    },
  );

const everything: Topic = {
  calls: Object.keys(WISHES) as Topic["calls"],
  happens: DEEDS.map((deed) => deed.do),
};

export const history = (topic: Topic = everything): fc.Arbitrary<History> =>
  fc.record({
    policy: fc.constantFrom("block" as const, "block", "allow"),
    startMs: fc.constantFrom(
      Date.parse("2026-03-02T09:00:00.000Z"),
      Date.parse("2026-01-31T10:00:00.000Z"),
      Date.parse("2028-01-30T23:59:00.000Z"),
    ),
    steps: fc.array(step(topic), { minLength: 4, maxLength: 26, size: "max" }),
  });

/** The instants ahead at which something changes by itself; soonest first. */
export function edges(state: State, nowMs: number): number[] {
  const all = [
    ...state.lots.map(({ expiresAtMs }) => expiresAtMs),
    ...Object.values(state.holds).map((hold) => (hold.status === "open" ? hold.expiresAtMs : null)),
    ...state.lots.map((lot) => (outstanding(lot) > 0 ? lot.sinceMs! + ALLOWED.days * DAY_MS : null)),
    state.refill?.endsAtMs ?? null,
    state.plan.endsAtMs,
  ];
  const ahead = all.filter((ms): ms is number => ms !== null && ms > nowMs);
  return [...new Set(ahead)].sort((a, b) => a - b);
}
