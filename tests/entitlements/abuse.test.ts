import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { entitleDefault } from "@/server/entitlements/entitle";
import { setTimeZone } from "@/server/entitlements/time-zone";
import { consume } from "@/server/quota/consume";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";
import { business, DAY_MS, meterOf, meterStatus, subscribe } from "./business";

const PRO = 1_000;
const KEPT = 150;
const prices = business(
  {
    days: meterOf({ window: "day", align: "calendar" }),
    weeks: meterOf({ window: "week", align: "anchored" }),
    months: meterOf({ window: "month", align: "calendar" }),
    periods: meterOf({ window: "billing_period" }),
    kept: meterOf({ window: "week", align: "calendar", rollover: { maxUnits: KEPT, windows: 3 } }),
  },
  {
    free: { days: 100, weeks: 100, months: 100, periods: 100, kept: 100 },
    pro: { days: PRO, weeks: PRO, months: PRO, periods: PRO, kept: PRO },
  },
);
const { tenant, clock } = await world({ prices });

/** The shortest a window of the meter can be: February, and a day that the clocks cut short. */
const SHORTEST_MS: Record<string, number> = {
  days: DAY_MS,
  weeks: 7 * DAY_MS,
  months: 28 * DAY_MS,
  periods: 28 * DAY_MS,
  kept: 7 * DAY_MS,
};
const HOUR_MS = 3_600_000;
/** A calendar page may begin this much earlier in one zone than in another, and clocks change. */
const ZONES_MS = 28 * HOUR_MS;

type Move = { thenBurn: boolean } & (
  | { do: "cancel" | "hold" | "release" }
  | { do: "subscribe"; plan: "free" | "pro"; anchorHours: number | null; interval: "month" | "year" }
  | { do: "travel"; timeZone: string }
  | { do: "wait"; hours: number }
  | { do: "await"; feature: string }
);

const is = <T extends string>(what: T) => ({ do: fc.constant(what), thenBurn: fc.boolean() });
/** What somebody would try who knows the rules: anchors just ahead, zones a day apart, waiting for the next allowance. */
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 1, arbitrary: fc.record(is("cancel")) },
  { weight: 2, arbitrary: fc.record(is("hold")) },
  { weight: 2, arbitrary: fc.record(is("release")) },
  {
    weight: 5,
    arbitrary: fc.record({
      ...is("subscribe"),
      plan: fc.constantFrom("free" as const, "pro" as const, "pro" as const),
      anchorHours: fc.oneof(fc.constantFrom(null, 0, 1, 2), fc.integer({ min: -1_500, max: 30 })),
      interval: fc.constantFrom("month" as const, "month" as const, "year" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...is("travel"),
      timeZone: fc.constantFrom("Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...is("wait"),
      hours: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 500 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...is("await"),
      feature: fc.constantFrom("days", "weeks", "months", "periods", "kept"),
    }),
  },
);

interface Draw {
  atMs: number;
  units: number;
}

interface Cheat {
  ctx: TenantCtx;
  draws: Map<string, Draw[]>;
  /** Open ones, or such that have expired meanwhile. */
  holds: string[];
}

const cheat = async (name: string): Promise<Cheat> => ({
  ctx: await tenant(name),
  draws: new Map(),
  holds: [],
});

/** Takes every unit of every meter that is to be had. */
async function burn({ ctx, draws }: Cheat): Promise<void> {
  for (const { feature, remaining, extra } of (await status(ctx)).meters) {
    const units = remaining! + extra;
    if (units === 0) continue;
    const receipt = await consume(ctx, { feature, units });
    expect(receipt).toMatchObject({ allowed: true });
    draws.set(feature, [...(draws.get(feature) ?? []), { atMs: ctx.now().getTime(), units }]);
  }
}

async function make({ ctx, holds }: Cheat, step: Move): Promise<void> {
  switch (step.do) {
    case "hold":
      for (const { feature, remaining } of (await status(ctx)).meters)
        if (remaining! > 0) {
          const held = await reserve(ctx, {
            feature,
            units: Math.ceil(remaining! / 2),
            expiresInSeconds: 86_400,
          });
          expect(held).toMatchObject({ allowed: true });
          if (held.allowed) holds.push(held.holdId);
        }
      return;
    case "release":
      for (const holdId of holds.splice(0)) await releaseHold(ctx, { holdId });
      return;
    case "cancel":
      await entitleDefault(ctx);
      return;
    case "subscribe": {
      const { plan, anchorHours, interval } = step;
      const anchorAt =
        anchorHours === null ? undefined : new Date(ctx.now().getTime() + anchorHours * HOUR_MS);
      await subscribe(ctx, plan, { anchorAt, interval });
      return;
    }
    case "travel":
      await setTimeZone(ctx, { timeZone: step.timeZone });
      return;
    case "wait":
      clock.advance({ hours: step.hours });
      return;
    case "await":
      clock.set((await meterStatus(ctx, step.feature)).resetsAt!);
      return;
  }
}

/** In any span: one allowance of the dearest plan for each window that can lie in it, and what was kept before. */
function mostIn(feature: string, spanMs: number): number {
  const windows = 1 + Math.ceil((spanMs + ZONES_MS) / SHORTEST_MS[feature]!);
  return windows * PRO + (feature === "kept" ? KEPT : 0);
}

function excess(draws: Map<string, Draw[]>): string[] {
  const found: string[] = [];
  for (const [feature, all] of draws)
    for (let from = 0; from < all.length; from += 1) {
      let drawn = 0;
      for (let to = from; to < all.length; to += 1) {
        drawn += all[to]!.units;
        const spanMs = all[to]!.atMs - all[from]!.atMs;
        const most = mostIn(feature, spanMs);
        if (drawn > most)
          found.push(`${feature}: ${drawn} in ${spanMs / HOUR_MS} h, the most would be ${most}`);
      }
    }
  return found;
}

const RUNS = Number(process.env.ABUSE_RUNS ?? 25);

test("no order of upgrading, burning, holding, downgrading, moving anchors and travelling yields more than is sold", {
  timeout: 60_000 + RUNS * 3_000,
}, async () => {
  let histories = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 40 }), async (steps) => {
      histories += 1;
      const who = await cheat(`abuse-${histories}`);
      await burn(who);
      for (const step of steps) {
        await make(who, step);
        if (step.thenBurn) await burn(who);
      }
      await burn(who);
      expect(excess(who.draws)).toEqual([]);
    }),
    { numRuns: RUNS, endOnFailure: RUNS <= 25 },
  );
});

test("shuttling between the ends of the world, and waiting there for the next page, gives each page once", async () => {
  clock.set("2027-01-10T12:00:00.000Z");
  const bo = await cheat("bo");
  for (let month = 0; month < 5; month += 1)
    for (const timeZone of ["Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
      await make(bo, { do: "travel", timeZone, thenBurn: true });
      await burn(bo);
      clock.set((await meterStatus(bo.ctx, "months")).resetsAt!);
      await burn(bo);
    }
  const drawn = bo.draws.get("months")!;
  const pages = Math.round((drawn.at(-1)!.atMs - drawn[0]!.atMs) / (30.4 * DAY_MS)) + 1;
  expect(drawn).toHaveLength(pages);
});

test("an anchor set just ahead, again and again, brings nothing forward", async () => {
  clock.set("2027-01-10T12:00:00.000Z");
  const cleo = await cheat("cleo");
  for (let round = 0; round < 20; round += 1) {
    await subscribe(cleo.ctx, "pro", { anchorAt: new Date(clock.now().getTime() + HOUR_MS) });
    clock.advance({ hours: 2 });
    await burn(cleo);
  }
  expect(cleo.draws.get("weeks")).toHaveLength(1);
  expect(cleo.draws.get("periods")).toHaveLength(1);
});
