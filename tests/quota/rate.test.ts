import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { entitle } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { ensurePlanVersions } from "@/server/plans/service";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import type { ConsumeInput } from "@/server/quota/inputs";
import { rateCosts } from "@/server/quota/rate";
import { reserve } from "@/server/quota/reserve";

const prices = definePriceList({
  currency: "usd",
  features: {
    compute: { kind: "meter", name: "Compute", window: "week", align: "anchored", overflow: { to: "deny" } },
    messages: {
      kind: "meter",
      name: "Messages",
      window: "month",
      align: "calendar",
      overflow: { to: "deny" },
    },
    run: {
      kind: "pooled",
      name: "Run",
      meter: "compute",
      base: 5,
      weights: { microdollars: { units: 100, per: 1_000_000 }, tokens: { units: 1, per: 1_000 } },
    },
    render: {
      kind: "pooled",
      name: "Render",
      meter: "compute",
      base: 0,
      weights: { units: { units: 3, per: 2 } },
    },
    search: {
      kind: "pooled",
      name: "Search",
      meter: "compute",
      base: 0,
      weights: { hits: { units: 1, per: 1 } },
    },
  },
  plans: [
    {
      id: "free",
      name: "Free",
      tagline: "",
      price: { kind: "free" },
      limits: { compute: 100, messages: 10, run: 50, render: 30, search: 0 },
    },
    {
      id: "pro",
      name: "Pro",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 2_000, annualMinor: null },
      limits: { compute: 1_000, messages: 10, run: "unlimited", render: 300, search: 10 },
      weights: { run: { base: 2, weights: { tokens: { units: 1, per: 2_000 } } } },
    },
  ],
  packs: [],
  defaultPlan: "free",
});

type Costs = Record<string, number>;

const { tenant, owner, ctx } = await world({ prices });

const putOn = async (of: TenantCtx, plan: string) =>
  entitle(of, {
    planVersionId: (await ensurePlanVersions(of)).get(plan)!.id,
    source: "subscription",
  });
const consumed = (of: TenantCtx) =>
  owner`select feature, units::int, breakdown, plan_version from entries where tenant_id = ${of.tenant.id} and operation = 'consume' order by id`;

test("a call on a pooled feature draws on the meter, and its entry keeps how the units came about", async () => {
  const ada = await tenant("ada");
  const receipt = await consume(ada, { feature: "run", costs: { microdollars: 124_999, tokens: 2_400 } });
  expect(receipt).toMatchObject({ allowed: true, feature: "compute", units: 20, used: 20, remaining: 80 });
  expect(await consume(ada, { feature: "render", units: 3 })).toMatchObject({ units: 5, used: 25 });
  expect(await consume(ada, { feature: "render" })).toMatchObject({ units: 2, used: 27 });
  expect(await consume(ada, { feature: "run" })).toMatchObject({ units: 5, used: 32 });
  expect(await consumed(ada)).toMatchObject([
    {
      feature: "compute",
      units: 20,
      breakdown: {
        feature: "run",
        base: 5,
        costs: { microdollars: 13, tokens: 2 },
        asked: { microdollars: 124_999, tokens: 2_400 },
      },
    },
    { feature: "compute", units: 5, breakdown: { feature: "render", costs: { units: 5 } } },
    { feature: "compute", units: 2, breakdown: { feature: "render", asked: { units: 1 } } },
    { feature: "compute", units: 5, breakdown: { feature: "run", base: 5, costs: {}, asked: {} } },
  ]);
});

test("rates are the plan's: its own base and weights, and the feature's for what it doesn't mention", async () => {
  const bo = await tenant("bo");
  await putOn(bo, "pro");
  const costs = { microdollars: 1_000_000, tokens: 4_000 };
  expect(await rateCosts(bo, { feature: "run", costs })).toEqual({
    feature: "compute",
    units: 104,
    breakdown: { feature: "run", base: 2, costs: { microdollars: 100, tokens: 2 }, asked: costs },
    ceiling: null,
    planVersion: "pro@1",
  });
});

test("features of one pool never draw more than the meter has, however many call at once", async () => {
  const cleo = await tenant("cleo");
  const receipts = await Promise.all(
    Array.from({ length: 60 }, (_, at) =>
      at % 2 === 0
        ? consume(cleo, { feature: "render", units: 3 })
        : consume(cleo, { feature: "run", costs: { tokens: 1_000 } }),
    ),
  );
  const units = receipts.filter((receipt) => receipt.allowed).reduce((sum, { units }) => sum + units, 0);
  expect(units).toBeGreaterThan(94);
  expect(units).toBeLessThanOrEqual(100);
  const [meter] =
    await owner`select used::int from meters where tenant_id = ${cleo.tenant.id} and feature = 'compute'`;
  expect(meter!.used).toBe(units);
});

test("the plan's limit of a pooled feature is a ceiling on each call, and 0 means it isn't in the plan", async () => {
  const dan = await tenant("dan");
  expect(await consume(dan, { feature: "run", costs: { tokens: 45_000 } })).toMatchObject({ units: 50 });
  const above = { feature: "run", costs: { tokens: 45_001 } };
  expect(await consume(dan, above)).toMatchObject({
    allowed: false,
    reason: "request_cap",
    limit: 50,
    missing: 1,
    upgradeTo: "pro",
  });
  expect(await check(dan, above)).toEqual(await consume(dan, above));
  await putOn(dan, "pro");
  expect(await consume(dan, { feature: "render", units: 201 })).toMatchObject({
    reason: "request_cap",
    planVersion: "pro@1",
    upgradeTo: null,
  });
  await putOn(dan, "free");
  for (const costs of [{ hits: 1 }, { hits: 0 }, {}] as Costs[])
    expect(await consume(dan, { feature: "search", costs })).toMatchObject({
      allowed: false,
      reason: "not_in_plan",
      upgradeTo: "pro",
    });
  await setOverride(dan, { feature: "search", limit: 3, reason: "asked for it" });
  expect(await consume(dan, { feature: "search", costs: { hits: 3 } })).toMatchObject({ allowed: true });
  expect(await consume(dan, { feature: "search", costs: { hits: 4 } })).toMatchObject({
    reason: "request_cap",
  });
});

test("check gives the decision that consume then carries out", async () => {
  const eve = await tenant("eve");
  for (const costs of [
    { microdollars: 333_333 },
    { tokens: 44_001 },
    { tokens: 30_000 },
    { microdollars: 1 },
  ] as Costs[]) {
    const decision = await check(eve, { feature: "run", costs });
    expect(await consume(eve, { feature: "run", costs })).toMatchObject({ ...decision });
  }
});

test("a request is the same by its costs: also after its rates changed, and however it was spelled", async () => {
  const flo = await tenant("flo");
  const costs = { tokens: 1_500, microdollars: 10_000 };
  const first = await consume(flo, { feature: "run", costs, key: "run-1" });
  await consume(flo, { feature: "render", units: 4, key: "render-1" });
  await putOn(flo, "pro");
  expect(
    await consume(flo, { feature: "run", costs: { microdollars: 10_000, tokens: 1_500 }, key: "run-1" }),
  ).toMatchObject({ replayed: true, entryId: first.allowed && first.entryId });
  expect(await consume(flo, { feature: "render", costs: { units: 4 }, key: "render-1" })).toMatchObject({
    replayed: true,
  });
  for (const other of [
    { feature: "run", costs: { ...costs, tokens: 1_501 }, key: "run-1" },
    { feature: "run", costs, key: "render-1" },
    { feature: "compute", units: 7, key: "run-1" },
  ])
    await expect(consume(flo, other)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  expect(await consumed(flo)).toHaveLength(2);
});

test("what was charged under another plan is answered as it was, also where it would now be above the ceiling", async () => {
  const kim = await tenant("kim");
  await putOn(kim, "pro");
  const costs = { microdollars: 900_000 };
  const first = await consume(kim, { feature: "run", costs, key: "run-1" });
  expect(first).toMatchObject({ units: 92, replayed: false });
  await putOn(kim, "free");
  expect(await consume(kim, { feature: "run", costs, key: "run-1" })).toEqual({ ...first, replayed: true });
  expect(await consume(kim, { feature: "run", costs, key: "run-2" })).toMatchObject({
    reason: "request_cap",
  });
  await putOn(kim, "pro");
  const held = await reserve(kim, { feature: "run", costs, key: "hold-1" });
  expect(held).toMatchObject({ units: 92, replayed: false });
  await putOn(kim, "free");
  expect(await reserve(kim, { feature: "run", costs, key: "hold-1" })).toEqual({ ...held, replayed: true });
  expect(await reserve(kim, { feature: "run", costs })).toMatchObject({ reason: "request_cap" });
  await expect(
    consume(kim, { feature: "run", costs: { microdollars: 900_001 }, key: "run-1" }),
  ).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
});

test("a tenant keeps the rates it bought; a cost that is newer than its plan version has today's", async () => {
  const gil = await tenant("gil");
  const { run } = prices.features;
  const weights = { ...run.weights, tokens: { units: 9, per: 1 }, gpu_seconds: { units: 2, per: 1 } };
  const dearer = { ...prices, features: { ...prices.features, run: { ...run, base: 99, weights } } };
  const today = { ...gil, prices: dearer };
  expect(await consume(today, { feature: "run", costs: { tokens: 1_000, gpu_seconds: 3 } })).toMatchObject({
    units: 5 + 1 + 6,
  });
  await expect(consume(gil, { feature: "run", costs: { gpu_seconds: 3 } })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
  await putOn(today, "free");
  expect(await rateCosts(today, { feature: "run", costs: { tokens: 1, gpu_seconds: 3 } })).toMatchObject({
    units: 99 + 9 + 6,
  });
});

test("a feature that is newer than the tenant's plan version is not in its plan", async () => {
  const hal = await tenant("hal");
  const scan = { kind: "pooled", name: "Scan", meter: "compute", base: 1, weights: {} } as const;
  const longer = { ...hal, prices: { ...prices, features: { ...prices.features, scan } } };
  expect(await consume(longer, { feature: "scan" })).toMatchObject({ allowed: false, reason: "not_in_plan" });
});

test("a meter counts its own units, without a look at the database", async () => {
  const nobody = { ...ctx, tenant: (await tenant("ida")).tenant, db: undefined as never };
  expect(await rateCosts(nobody, { feature: "messages", units: 7 })).toEqual({
    feature: "messages",
    units: 7,
    breakdown: null,
    ceiling: null,
    planVersion: null,
  });
  expect(await rateCosts(nobody, { feature: "messages" })).toMatchObject({ units: 1 });
});

test("costs that make no sense are refused, and nothing is written", async () => {
  const jo = await tenant("jo");
  for (const wrong of [
    { feature: "run", units: 1 },
    { feature: "run", units: 1, costs: { tokens: 1 } },
    { feature: "run", costs: { other: 1 } },
    { feature: "run", costs: { tokens: -1 } },
    { feature: "run", costs: { tokens: 0.5 } },
    { feature: "run", costs: { microdollars: Number.MAX_SAFE_INTEGER, tokens: 2 ** 60 } },
    { feature: "messages", costs: { units: 1 } },
  ] as ConsumeInput[])
    await expect(consume(jo, wrong)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await consumed(jo)).toEqual([]);
});
