import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import { prices as tollgatePrices } from "@/config/plans";
import type { PriceList } from "@/lib/price-list";
import { priceListProblems } from "@/lib/price-list-problems";
import type { TenantCtx } from "@/server/context";
import { entitle, entitleDefault } from "@/server/entitlements/entitle";
import { ensurePlanVersions } from "@/server/plans/service";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { status } from "@/server/quota/status";

const { tenant, owner, clock, ctx } = await world();

const meter = async (of: TenantCtx, feature: string) =>
  (await status(of)).meters.find((row) => row.feature === feature)!;
const versionOf = async (plan: string) => (await ensurePlanVersions(ctx)).get(plan)!.id;
test("an upgrade raises the limit at once, keeps what was used, and counts windows from the subscription's first day", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "compute", units: 100 });
  clock.advance({ days: 2 });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({ allowed: false });
  await entitle(ada, { planVersionId: await versionOf("pro"), source: "subscription", anchorAt: ada.now() });
  expect(await meter(ada, "compute")).toMatchObject({
    used: 100,
    limit: 2_000,
    resetsAt: new Date(ada.now().getTime() + 7 * 86_400_000),
  });
  expect(await meter(ada, "messages")).toMatchObject({ limit: null, remaining: null });
  expect(await consume(ada, { feature: "compute", units: 1_900 })).toMatchObject({
    allowed: true,
    used: 2_000,
  });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({
    allowed: false,
    upgradeTo: "enterprise",
  });
});

test("up and down again, over and over, never yields more than the larger allowance in a window", async () => {
  const cleo = await tenant("cleo");
  const pro = await versionOf("pro");
  let drawn = 0;
  for (let round = 0; round < 4; round += 1) {
    await entitle(cleo, { planVersionId: pro, source: "subscription", anchorAt: cleo.now() });
    for (const units of [700, 300, 1])
      drawn += (await consume(cleo, { feature: "compute", units })).allowed ? units : 0;
    await entitleDefault(cleo);
    drawn += (await consume(cleo, { feature: "compute", units: 1 })).allowed ? 1 : 0;
    clock.advance({ minutes: 5 });
  }
  expect(drawn).toBeLessThanOrEqual(2_000);
  expect(await meter(cleo, "compute")).toMatchObject({ limit: 100, used: drawn, remaining: 0 });
});

test("an idle tenant gets one window, not many, and its leftover is forfeited", async () => {
  const dan = await tenant("dan");
  await consume(dan, { feature: "compute", units: 30 });
  clock.advance({ days: 100 });
  expect(await meter(dan, "compute")).toMatchObject({ used: 0, limit: 100 });
  expect(await consume(dan, { feature: "compute", units: 100 })).toMatchObject({ allowed: true, used: 100 });
  expect(await consume(dan, { feature: "compute" })).toMatchObject({ allowed: false });
  const written =
    await owner`select operation, units from entries where tenant_id = ${dan.tenant.id} and feature = 'compute' order by id`;
  expect(written.map((row) => [row.operation, Number(row.units)])).toEqual([
    ["grant", 100],
    ["consume", 30],
    ["forfeit", 70],
    ["grant", 100],
    ["consume", 100],
  ]);
});

test("cron late, twice, three at once or never: one reset per window", async () => {
  const ada = await tenant("ada");
  const due = async () =>
    Number((await owner`select count(*) from meters where window_ends_at <= ${ada.now()}`)[0]!.count);
  clock.advance({ days: 40 });
  const before = await due();
  expect(before).toBeGreaterThan(0);
  const runs = await Promise.all([rollDue(ctx), rollDue(ctx), rollDue(ctx)]);
  expect(runs.reduce((sum, run) => sum + run.rolled, 0)).toBe(before);
  expect(await due()).toBe(0);
  expect(await rollDue(ctx)).toEqual({ rolled: 0 });
});

test("a cron run and a burst of requests meet at the same boundary: the window opens once", async () => {
  const bo = await tenant("bo");
  clock.advance({ days: 8 });
  const [receipts] = await Promise.all([
    Promise.all(Array.from({ length: 50 }, () => consume(bo, { feature: "compute", units: 3 }))),
    rollDue(ctx),
    rollDue(ctx),
  ]);
  expect(receipts.filter((receipt) => receipt.allowed)).toHaveLength(33);
  const opened =
    await owner`select window_starts_at from entries where tenant_id = ${bo.tenant.id} and feature = 'compute' and operation = 'grant'`;
  expect(opened).toHaveLength(2);
});

test("a clock that steps back never opens a window twice", async () => {
  const cleo = await tenant("cleo");
  clock.advance({ days: 7 });
  await consume(cleo, { feature: "compute", units: 60 });
  clock.advance({ hours: -1 });
  expect(await consume(cleo, { feature: "compute", units: 60 })).toMatchObject({ allowed: false, used: 60 });
  clock.advance({ hours: 1 });
  expect(await consume(cleo, { feature: "compute", units: 40 })).toMatchObject({ allowed: true, used: 100 });
});

test("calendar windows follow the tenant's own time zone", async () => {
  const kiri = await tenant("kiri", "Pacific/Auckland");
  clock.set("2027-03-31T10:59:59.000Z");
  await rollDue(ctx);
  await consume(kiri, { feature: "messages", units: 9 });
  expect((await meter(kiri, "messages")).resetsAt).toEqual(new Date("2027-03-31T11:00:00.000Z"));
  clock.advance({ seconds: 1 });
  expect(await meter(kiri, "messages")).toMatchObject({
    used: 0,
    resetsAt: new Date("2027-04-30T12:00:00.000Z"),
  });
});

test("a new meter is one entry in the price list: new tenants have it, the others with their next version", async () => {
  const before = await tenant("ada");
  const energy = {
    kind: "meter",
    name: "Energy",
    unit: "unit",
    window: "day",
    align: "calendar",
    overflow: { to: "deny" },
  } as const;
  const limits = { free: 350, pro: 1_500, enterprise: 8_000, custom: "unlimited" } as const;
  const prices: PriceList = {
    ...tollgatePrices,
    features: { ...tollgatePrices.features, energy },
    plans: tollgatePrices.plans.map((plan) => ({
      ...plan,
      limits: { ...plan.limits, energy: limits[plan.id] },
    })),
  };
  expect(priceListProblems(prices)).toEqual([]);
  const fresh = await newTenant({ ...ctx, prices }, "bo");
  expect(await consume(fresh, { feature: "energy", units: 350 })).toMatchObject({ allowed: true });
  expect(await consume(fresh, { feature: "energy" })).toMatchObject({ reason: "quota", upgradeTo: "pro" });
  clock.advance({ days: 1 });
  expect(await consume(fresh, { feature: "energy" })).toMatchObject({ allowed: true, used: 1 });

  const older = { ...before, prices };
  await consume(older, { feature: "compute", units: 40 });
  expect(await consume(older, { feature: "energy" })).toMatchObject({ reason: "not_in_plan" });
  expect(await meter(older, "compute")).toMatchObject({ used: 40, limit: 100 });
  await entitleDefault(older);
  expect(await consume(older, { feature: "energy", units: 350 })).toMatchObject({ allowed: true });
  expect(await meter(older, "compute")).toMatchObject({ used: 40, limit: 100 });
});
