import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { entitle } from "@/server/entitlements/entitle";
import type { WayOut } from "@/server/errors";
import { consume } from "@/server/quota/consume";
import { type Stopped, waysOut } from "@/server/quota/ways-out";
import { storyPrices as prices } from "./story-prices";

const { tenant, clock } = await world({ prices });

const RESETS = new Date("2026-03-09T09:00:00Z");
const stopped = (change: Partial<Stopped>): Stopped => ({
  feature: "compute",
  units: 10,
  reason: "quota",
  used: 100,
  limit: 100,
  missing: 10,
  resetsAt: RESETS,
  planId: "free",
  ...change,
});
const kinds = (ways: WayOut[]) => ways.map(({ kind }) => kind);

test("waiting costs nothing and comes first, then what is cheaper", () => {
  expect(waysOut(prices, stopped({}))).toEqual([
    { kind: "wait", until: RESETS, costMinor: 0, message: "Wait until the limit resets." },
    {
      kind: "buy_credits",
      credits: 100,
      packs: [{ pack: "small", count: 1 }],
      costMinor: 500,
      message: "Buy 100 credits for $5.00.",
    },
    { kind: "upgrade", plan: "pro", costMinor: 1_500, message: "Upgrade to Pro for $15.00 more a month." },
  ]);
  expect(kinds(waysOut(prices, stopped({ missing: 334 })))).toEqual(["wait", "upgrade", "buy_credits"]);
});

test("waiting is no way out for a call that no window has room for", () => {
  expect(kinds(waysOut(prices, stopped({ units: 101, missing: 101 })))).not.toContain("wait");
  expect(kinds(waysOut(prices, stopped({ resetsAt: null })))).not.toContain("wait");
  expect(
    kinds(waysOut(prices, stopped({ feature: "mails", reason: "window_cap", units: 91 }))),
  ).not.toContain("wait");
});

test("packs are proposed in the cheapest number that covers what is missing", () => {
  const packs = (missing: number) => {
    const way = waysOut(prices, stopped({ missing })).find(({ kind }) => kind === "buy_credits");
    return way?.kind === "buy_credits" ? way.packs.map(({ pack, count }) => `${count} ${pack}`) : [];
  };
  expect(packs(1)).toEqual(["1 small"]);
  expect(packs(66)).toEqual(["1 small"]);
  expect(packs(67)).toEqual(["2 small"]);
  expect(packs(267)).toEqual(["1 large"]);
  expect(packs(333)).toEqual(["1 large"]);
  expect(packs(334)).toEqual(["1 large", "1 small"]);
  expect(packs(2_000)).toEqual(["6 large"]);
});

test("only a meter that overflows to credits is helped by credits", () => {
  for (const feature of ["mails", "messages", "energy", "seats"])
    expect(kinds(waysOut(prices, stopped({ feature })))).not.toContain("buy_credits");
});

test("each reason has its own ways", () => {
  const of = (change: Partial<Stopped>) => kinds(waysOut(prices, stopped(change)));
  expect(of({ reason: "confirm", feature: "renders", used: 5, units: 1, limit: 5 })).toEqual([
    "confirm",
    "wait",
    "upgrade",
  ]);
  expect(of({ reason: "spend_cap", feature: "mails", units: 20 })).toEqual([
    "wait",
    "raise_spend_cap",
    "upgrade",
  ]);
  expect(of({ reason: "request_cap", units: 121, missing: 1 })).toEqual(["upgrade"]);
  expect(of({ reason: "window_cap", feature: "mails", units: 20 })).toEqual(["wait", "upgrade"]);
  expect(of({ reason: "not_in_plan", feature: "sso", units: 1, used: 0, limit: 0 })).toEqual(["upgrade"]);
  expect(of({ reason: "blocked" })).toEqual([]);
});

test("the spend cap is to be raised by what the missing units cost, rounded up", () => {
  const [, raise] = waysOut(
    prices,
    stopped({ reason: "spend_cap", feature: "mails", missing: 11, units: 20 }),
  );
  expect(raise).toEqual({
    kind: "raise_spend_cap",
    costMinor: 22,
    message: "Raise the spend cap by at least $0.22.",
  });
});

test("a plan that is only sold by people is named without a price, and last", () => {
  expect(waysOut(prices, stopped({ used: 990, units: 20, limit: 1_000, planId: "pro" })).at(-1)).toEqual({
    kind: "upgrade",
    plan: "custom",
    costMinor: null,
    message: "Ask us for the plan Custom.",
  });
  expect(kinds(waysOut(prices, stopped({ planId: "custom" })))).not.toContain("upgrade");
});

/** Does what a way out says, as the tenant or time would. */
async function take(ada: TenantCtx, way: WayOut, run: number): Promise<void> {
  if (way.kind === "wait") clock.set(way.until);
  if (way.kind === "buy_credits")
    await grantCredits(ada, { amount: way.credits, kind: "purchase", source: `payment:${run}` });
  if (way.kind === "upgrade") await entitle(ada, { planVersionId: `${way.plan}@1`, source: "operator" });
}

test("every way out is enough on its own: the same call goes through once it was taken", async () => {
  let run = 0;
  const taken = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        used: fc.integer({ min: 80, max: 100 }),
        credits: fc.integer({ min: 0, max: 40 }),
        units: fc.integer({ min: 30, max: 150 }),
      }),
      async ({ used, credits, units }) => {
        for (const kind of ["wait", "buy_credits", "upgrade"]) {
          run += 1;
          const ada = await tenant("ada");
          await consume(ada, { feature: "compute", units: used });
          if (credits > 0)
            await grantCredits(ada, { amount: credits, kind: "promo", source: `promo:${run}` });
          const denied = await consume(ada, { feature: "compute", units });
          const way = denied.allowed ? undefined : denied.waysOut.find((one) => one.kind === kind);
          if (!way) continue;
          taken.add(kind);
          await take(ada, way, run);
          expect(await consume(ada, { feature: "compute", units })).toMatchObject({ allowed: true });
        }
      },
    ),
    { numRuns: 25 },
  );
  expect([...taken].sort()).toEqual(["buy_credits", "upgrade", "wait"]);
}, 60_000);
