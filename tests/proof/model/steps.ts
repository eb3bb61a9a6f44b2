import fc from "fast-check";
import type { State } from "./state";
import { anyWish, at, drawWish, HOUR_MS, METERS, spanMs, type Wish } from "./wishes";

export type Step =
  | { do: "at once"; wishes: Wish[] }
  | { do: "wait"; ms: number }
  /** To the instant a window, override, hold or lot ends, or to one millisecond beside it. */
  | { do: "wait for an edge"; at: number; besideMs: number };

/** Calls that meet on one thing, where races would be: equal ones, or a mix. */
const crowd = fc.oneof(
  fc
    .tuple(drawWish, fc.integer({ min: 2, max: 8 }))
    .map(([one, count]) => Array.from({ length: count }, () => one)),
  fc.array(anyWish, { minLength: 2, maxLength: 4 }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 16, arbitrary: anyWish.map((one) => ({ do: "at once" as const, wishes: [one] })) },
  { weight: 3, arbitrary: crowd.map((wishes) => ({ do: "at once" as const, wishes })) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: spanMs }) },
  // A server's clock is set right, or another server's is behind.
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(-1, -40, -2_000, -HOUR_MS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait for an edge" as const),
      at,
      besideMs: fc.constantFrom(0, 0, 0, -1, 1, 61_000),
    }),
  },
);

const CALLS = [
  "check",
  "reserve",
  "commit",
  "releaseHold",
  "sweepHolds",
  "refund",
  "again",
  "grant",
  "give",
  "recount",
  "acquire",
  "heartbeat",
  "releaseLease",
  "sweepLeases",
  "rollDue",
  "entitle",
  "moveTo",
  "override",
  "endOverride",
  "spendCap",
  "block",
] as const;

/** What a history is about. Fewer things at a time meet more often than everything at once. */
export interface Topic {
  meters: (typeof METERS)[number][];
  /** Besides consume. */
  calls: (typeof CALLS)[number][];
  stepsBack: boolean;
}

const anyTopic: fc.Arbitrary<Topic> = fc.record({
  meters: fc.subarray([...METERS], { minLength: 1, maxLength: 3 }),
  calls: fc.subarray([...CALLS], { minLength: 6 }),
  stepsBack: fc.boolean(),
});

function keepTo({ meters, calls, stepsBack }: Topic, steps: Step[]): Step[] {
  const named = (name: string) => {
    const place = /^meter (\d)$/.exec(name)?.[1];
    return place === undefined ? name : meters[Number(place) % meters.length]!;
  };
  return steps.flatMap((step): Step[] => {
    if (step.do === "wait" && step.ms < 0 && !stepsBack) return [];
    if (step.do !== "at once") return [step];
    const wishes = step.wishes
      .filter((wish) => wish.do === "consume" || calls.includes(wish.do))
      .map((wish): Wish => {
        if ("feature" in wish) return { ...wish, feature: named(wish.feature) };
        return "unit" in wish ? { ...wish, unit: named(wish.unit) } : wish;
      });
    return wishes.length > 0 ? [{ do: "at once", wishes }] : [];
  });
}

export interface History {
  timeZone: string;
  startMs: number;
  steps: Step[];
}

export const historyAbout = (topic: fc.Arbitrary<Topic>): fc.Arbitrary<History> =>
  fc
    .record({
      timeZone: fc.constantFrom("UTC", "Europe/Berlin", "Australia/Lord_Howe"),
      startMs: fc.constantFrom(
        Date.parse("2026-03-02T09:00:00.000Z"),
        Date.parse("2026-03-28T23:30:00.000Z"),
        Date.parse("2028-01-31T12:34:56.789Z"),
      ),
      about: topic,
      steps: fc.array(step, { minLength: 1, maxLength: 80, size: "max" }),
    })
    .map(({ timeZone, startMs, about, steps }) => ({ timeZone, startMs, steps: keepTo(about, steps) }));

export const history = historyAbout(anyTopic);

/** Few steps that set a scene, then two to four calls at once. */
export const encounter: fc.Arbitrary<History> = fc
  .record({
    about: anyTopic,
    before: fc.array(step, { maxLength: 12, size: "max" }),
    wishes: fc.array(fc.oneof({ weight: 3, arbitrary: drawWish }, { weight: 2, arbitrary: anyWish }), {
      minLength: 2,
      maxLength: 6,
    }),
  })
  .map(({ about, before, wishes }) => ({
    timeZone: "UTC",
    startMs: Date.parse("2026-03-02T09:00:00.000Z"),
    steps: keepTo(about, [...before, { do: "at once", wishes }]),
  }));

/** The instants after `nowMs` at which something ends by itself, soonest first. */
export function edges(state: State, nowMs: number): number[] {
  const all = [
    ...Object.values(state.meters).flatMap((one) => [one.endsAtMs, one.overrideEndsAtMs]),
    ...Object.values(state.holds).map((hold) => (hold.status === "open" ? hold.expiresAtMs : null)),
    ...Object.values(state.leases).map((lease) => (lease.ended ? null : lease.expiresAtMs)),
    ...state.lots.map((lot) => lot.expiresAtMs),
  ];
  return [...new Set(all)].filter((ms): ms is number => ms !== null && ms > nowMs).sort((a, b) => a - b);
}
