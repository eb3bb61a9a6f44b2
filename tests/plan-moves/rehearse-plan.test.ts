import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { setOverride } from "@/server/entitlements/override";
import { unknowable } from "@/server/plan-moves/rehearsal-rules";
import { rehearsedTenants, rehearsePlan } from "@/server/plan-moves/rehearse-plan";
import type { PlanDefinition } from "@/server/plans/rules";
import { consume } from "@/server/quota/consume";
import { NEW, OLD, relisted, selling } from "./new-versions";

// A Monday: a week's window of the calendar begins at midnight.
const { tenant, ctx, owner, buy, clock } = await stage({ prices: OLD, start: "2026-03-02T09:00:00.000Z" });
const use = (one: typeof ada, units: number, feature = "compute") => consume(one, { feature, units });

const ada = await tenant("ada");
await buy(ada, { plan: "pro", interval: "month" });
const bo = await tenant("bo");
await buy(bo, { plan: "pro", interval: "year" });
const cleo = await tenant("cleo");
await buy(cleo, { plan: "pro", interval: "month" });
const dan = await tenant("dan");
await buy(dan, { order: { plan: "days", periods: 2 } });

// Ada: 850 in the week of 2 March, 650 in that of 9 March. Cleo: 1,000 and 810. Bo: 700 in the second.
await use(ada, 500);
clock.set("2026-03-08T23:59:00.000Z");
await use(ada, 350);
await use(cleo, 1_000);
clock.set("2026-03-09T00:01:00.000Z");
await use(ada, 650);
await use(ada, 3, "seats");
await use(bo, 700);
await use(cleo, 810);
clock.set("2026-03-12T09:00:00.000Z");
await setOverride(cleo, { feature: "compute", limit: 5_000, reason: "agreed" });
await setOverride(bo, { feature: "sso", limit: true, reason: "agreed" });

test("a list that nobody has pushed is rehearsed on what really happened, and nothing is written", async () => {
  const versions = () => owner`select id from plan_versions order by id`;
  const before = await versions();
  const found = await rehearsePlan(selling(ctx, NEW), { to: "pro@2" });
  expect(found).toEqual({
    to: "pro@2",
    // 850 of Ada's in the first week is past 800; Bo's 700 is not, and Cleo has a limit of her own.
    summary: "Under v2, 3 tenants pay more, 1 would have hit compute last month, 2 lose sso, MRR +$14.17.",
    workspaces: 3,
    from: { "pro@1": 3 },
    paysMore: 3,
    paysLess: 0,
    notSold: 0,
    // 500 and 500 a month, and a twelfth of a year: 1667.08 → 1667, less 1250.
    mrr: { amountMinor: 500n + 500n + 417n, currency: "usd" },
    hits: { compute: 1 },
    wouldHit: 1,
    loses: { sso: 2 },
    unknown: ["upload_mb"],
  });
  expect(await versions()).toEqual(before);
});

test("the list behind it comes in pages, and adds up to the sum", async () => {
  const seen: string[] = [];
  let sum = 0n;
  for (let after = ""; ; ) {
    const page = await rehearsedTenants(selling(ctx, NEW), { to: "pro@2", after, limit: 2 });
    expect(page.workspaces.length).toBeLessThanOrEqual(2);
    for (const { workspace, beforeMinor, afterMinor } of page.workspaces) {
      seen.push(workspace);
      sum += afterMinor! - beforeMinor;
    }
    if (!page.next) break;
    after = page.next;
  }
  expect([seen.sort(), sum]).toEqual([[ada, bo, cleo].map(({ tenant: { slug } }) => slug).sort(), 1_417n]);
  const { workspaces } = await rehearsedTenants(selling(ctx, NEW), { to: "pro@2" });
  expect(workspaces.find(({ workspace }) => workspace === ada.tenant.slug)).toMatchObject({
    from: "pro@1",
    source: "subscription",
    interval: "month",
    beforeMinor: 1_500n,
    afterMinor: 2_000n,
    hits: [{ feature: "compute", what: "allowance", units: 850, limit: 800 }],
    loses: ["sso"],
  });
});

test("what was met before is not the new version's doing; a ceiling, a call and what is held count too", async () => {
  const harder = relisted({
    pro: {
      limits: { compute: 1_000, seats: 2, upload_mb: 100, sso: true },
      caps: { compute: { perRequest: 640, perWindow: 840 } },
    },
  });
  const { workspaces } = await rehearsedTenants(selling(ctx, harder), { to: "pro@2" });
  const hitsOf = (one: typeof ada) =>
    workspaces
      .find(({ workspaceId }) => workspaceId === one.tenant.id)!
      .hits.map(({ feature, what, units, limit }) => [feature, what, units, limit]);
  expect(hitsOf(ada)).toEqual([
    ["compute", "window_cap", 850, 840],
    ["compute", "request_cap", 650, 640],
    ["seats", "held", 3, 2],
  ]);
  expect(hitsOf(bo)).toEqual([["compute", "request_cap", 700, 640]]);
  const lower = relisted({ pro: { limits: { compute: 700, seats: 5, upload_mb: 100, sso: true } } });
  clock.set("2026-03-12T10:00:00.000Z");
  await setOverride(cleo, { feature: "compute", limit: 900, reason: "agreed" });
  const now = await rehearsedTenants(selling(ctx, lower), { to: "pro@2" });
  // Her own 900 holds under both.
  expect(now.workspaces.find(({ workspaceId }) => workspaceId === cleo.tenant.id)!.hits).toEqual([]);
});

test("windows of another length cut the same history anew; a month back counts, what lies before does not", async () => {
  const daily = {
    ...OLD,
    features: { ...OLD.features, compute: { ...OLD.features.compute!, window: "day" as const } },
  };
  const hits = async () => (await rehearsePlan(selling(ctx, daily as typeof OLD), { to: "pro@2" })).hits;
  // No day of anybody's went past 1,000.
  expect(await hits()).toEqual({});
  const fewer = {
    ...daily,
    plans: daily.plans.map((plan) => ({ ...plan, limits: { ...plan.limits, compute: 649 } })),
  };
  const anew = await rehearsePlan(selling(ctx, fewer as typeof OLD), { to: "pro@2" });
  // Ada's 650 and Bo's 700 were of one day.
  expect(anew.hits).toEqual({ compute: 2 });
  clock.set("2026-04-20T09:00:00.000Z");
  expect((await rehearsePlan(selling(ctx, NEW), { to: "pro@2" })).hits).toEqual({});
});

test("prepaid days are more to pay and no MRR, the free plan costs nothing, and a version that is not there is said", async () => {
  clock.set("2026-03-20T09:00:00.000Z");
  expect(await rehearsePlan(selling(ctx, NEW), { to: "days@2" })).toMatchObject({
    workspaces: 1,
    paysMore: 1,
    mrr: { amountMinor: 0n },
  });
  const eve = await tenant("eve");
  await use(eve, 60);
  expect(await rehearsePlan(selling(ctx, NEW), { to: "free@2" })).toMatchObject({
    workspaces: 1,
    paysMore: 0,
    hits: { compute: 1 },
  });
  await expect(rehearsePlan(ctx, { to: "pro@9" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(rehearsePlan(ctx, { to: "pro" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const pounds = { ...NEW, currency: "gbp" };
  await expect(rehearsePlan(selling(ctx, pounds), { to: "pro@2" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
});

test("a cap that shrinks, and calls that would be weighed by other rates, are said to be not known", () => {
  const run = { kind: "pooled", name: "Runs", meter: "compute", base: 5, weights: {} } as const;
  const [before, dearer] = [5, 6].map((base): PlanDefinition => {
    const features = { ...OLD.features, run: { ...run, base } };
    return { plan: OLD.plans[2]!, features, currency: "usd" };
  });
  expect(unknowable(before!, before!)).toEqual([]);
  expect(unknowable(before!, dearer!)).toEqual(["run"]);
  expect(unknowable(before!, { ...before!, plan: NEW.plans[2]! })).toEqual(["upload_mb"]);
});
