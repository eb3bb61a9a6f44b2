import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { entitle, entitleDefault } from "@/server/entitlements/entitle";
import { ensurePlanVersions } from "@/server/plans/service";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { recount } from "@/server/quota/recount";
import { status } from "@/server/quota/status";

/** Prepaid plans with energy for every day; what is bought besides is credits, one a unit, at a cent each. */
const prices = definePriceList({
  currency: "usd",
  features: {
    energy: {
      kind: "meter",
      name: "Energy",
      unit: "unit of energy",
      window: "day",
      align: "calendar",
      overflow: { to: "credits", credits: 1, perUnits: 1 },
    },
    uploads: { kind: "flag", name: "File uploads" },
    full_access: { kind: "flag", name: "Full access" },
    offline_processing: { kind: "flag", name: "Offline processing" },
    offline_slots: { kind: "level", name: "Offline slots", unit: "slot" },
  },
  plans: [
    {
      id: "basic",
      name: "Basic",
      tagline: "",
      price: { kind: "free" },
      limits: {
        energy: 350,
        uploads: false,
        full_access: false,
        offline_processing: false,
        offline_slots: 0,
      },
    },
    {
      id: "standard",
      name: "Standard",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 2_000, annualMinor: null },
      limits: {
        energy: 1_500,
        uploads: true,
        full_access: false,
        offline_processing: false,
        offline_slots: 0,
      },
    },
    {
      id: "premium",
      name: "Premium",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 10_000, annualMinor: null },
      limits: {
        energy: 8_000,
        uploads: true,
        full_access: true,
        offline_processing: true,
        offline_slots: "unlimited",
      },
    },
  ],
  packs: [100, 500, 1_000].map((credits) => ({
    id: `energy_${credits}`,
    name: `${credits} energy`,
    credits,
    priceMinor: credits,
    expiresAfterDays: null,
  })),
  defaultPlan: "basic",
});

const { tenant, owner, clock } = await world({ prices });

const putOn = async (of: TenantCtx, plan: string) =>
  entitle(of, { planVersionId: (await ensurePlanVersions(of)).get(plan)!.id, source: "operator" });
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "energy", units });
let payments = 0;
const buy = (of: TenantCtx, amount: number) => {
  payments += 1;
  return grantCredits(of, { amount, kind: "purchase", source: `payment:${payments}` });
};
const bought = async (of: TenantCtx) => (await balance(of)).available;
const may = async (of: TenantCtx, feature: string) => (await check(of, { feature })).allowed;

test("every plan has its energy for the day, and not a unit more", async () => {
  for (const [plan, daily] of [
    ["basic", 350],
    ["standard", 1_500],
    ["premium", 8_000],
  ] as const) {
    const ada = await tenant("ada");
    await putOn(ada, plan);
    expect(await spend(ada, daily)).toMatchObject({ allowed: true, limit: daily, remaining: 0 });
    expect(await spend(ada, 1)).toMatchObject({ allowed: false, reason: "quota", missing: 1 });
  }
});

test("the day begins at midnight where the tenant is, also when the clocks change; what was left is gone", async () => {
  const bo = await tenant("bo", "Europe/Berlin");
  clock.set("2026-03-28T22:59:59.999Z");
  expect(await spend(bo, 100)).toMatchObject({ resetsAt: new Date("2026-03-28T23:00:00Z"), remaining: 250 });
  clock.set("2026-03-28T23:00:00Z");
  expect(await spend(bo, 340)).toMatchObject({ resetsAt: new Date("2026-03-29T22:00:00Z"), remaining: 10 });
  clock.set("2026-03-29T22:00:00Z");
  expect(await spend(bo, 350)).toMatchObject({ allowed: true, remaining: 0 });
  expect(await spend(bo, 1)).toMatchObject({ allowed: false });
});

test("the day's energy is spent first; what was bought pays only for the rest", async () => {
  const cleo = await tenant("cleo");
  const pack = await buy(cleo, 100);
  expect(await spend(cleo, 300)).toMatchObject({ drawn: { allowance: 300, credits: 0, lots: [] } });
  expect(await spend(cleo, 70)).toMatchObject({
    drawn: { allowance: 50, credits: 20, lots: [{ lotId: pack.lotId, units: 20 }] },
  });
  expect(await spend(cleo, 5)).toMatchObject({ drawn: { allowance: 0, credits: 5 } });
  clock.advance({ days: 1 });
  expect(await spend(cleo, 30)).toMatchObject({ drawn: { allowance: 30, credits: 0 }, remaining: 320 });
  expect(await bought(cleo)).toBe(75);
});

test("bought energy is kept for ever", async () => {
  const dan = await tenant("dan");
  await buy(dan, 500);
  await spend(dan, 360);
  clock.advance({ days: 3_000 });
  expect(await bought(dan)).toBe(490);
  expect(await spend(dan, 840)).toMatchObject({ drawn: { allowance: 350, credits: 490 } });
  expect(await spend(dan, 1)).toMatchObject({ allowed: false });
});

test("too little of both together: nothing is drawn, and the answer knows what would help", async () => {
  const eve = await tenant("eve");
  await buy(eve, 20);
  const denied = await spend(eve, 400);
  expect(denied).toMatchObject({ allowed: false, used: 0, limit: 350, missing: 30, upgradeTo: "standard" });
  expect(denied.allowed ? [] : denied.waysOut).toMatchObject([
    { kind: "buy_credits", packs: [{ pack: "energy_100", count: 1 }], costMinor: 100 },
    { kind: "upgrade", plan: "standard", costMinor: 2_000 },
  ]);
  expect(await bought(eve)).toBe(20);
  expect(await spend(eve, 370)).toMatchObject({ drawn: { allowance: 350, credits: 20 } });
});

test("requests at the same time spend the day and the reserve to the last unit, and none twice", async () => {
  const flo = await tenant("flo");
  await buy(flo, 60);
  const receipts = await Promise.all(Array.from({ length: 100 }, () => spend(flo, 7)));
  const paid = receipts.filter((receipt) => receipt.allowed);
  expect(paid).toHaveLength(Math.floor(410 / 7));
  expect(paid.reduce((sum, { drawn }) => sum + drawn.allowance, 0)).toBe(350);
  expect(await bought(flo)).toBe(410 - 58 * 7);
});

test("compensation for a plan that was given up is spent before what was bought", async () => {
  const gil = await tenant("gil");
  const pack = await buy(gil, 100);
  const given = await grantCredits(gil, { amount: 500, kind: "compensation", source: "upgrade:1" });
  expect(await spend(gil, 900)).toMatchObject({
    drawn: {
      lots: [
        { lotId: given.lotId, units: 500 },
        { lotId: pack.lotId, units: 50 },
      ],
    },
  });
});

test("an upgrade sets the day's energy at once; what was used of it stays used", async () => {
  const hal = await tenant("hal");
  await putOn(hal, "standard");
  await spend(hal, 1_500);
  expect(await may(hal, "uploads")).toBe(true);
  expect(await may(hal, "offline_processing")).toBe(false);
  await putOn(hal, "premium");
  expect(await spend(hal, 1)).toMatchObject({ used: 1_501, limit: 8_000, remaining: 6_499 });
  expect(await may(hal, "offline_processing")).toBe(true);
  expect(await consume(hal, { feature: "offline_slots", units: 3 })).toMatchObject({ limit: null, used: 3 });
});

test("falling to basic takes back what only the paid plan gave, and leaves what was bought", async () => {
  const ida = await tenant("ida");
  await putOn(ida, "premium");
  await buy(ida, 1_000);
  await spend(ida, 200);
  await consume(ida, { feature: "offline_slots", units: 2 });
  clock.advance({ days: 30 });
  await entitleDefault(ida);
  for (const gone of ["uploads", "full_access", "offline_processing"])
    expect(await may(ida, gone)).toBe(false);
  expect(await consume(ida, { feature: "offline_slots" })).toMatchObject({
    allowed: false,
    used: 2,
    limit: 0,
  });
  await recount(ida, { feature: "offline_slots", reason: "the plan ended", count: async () => 0 });
  expect((await status(ida)).meters).toMatchObject([
    { feature: "energy", used: 0, limit: 350 },
    { feature: "offline_slots", used: 0, limit: 0 },
  ]);
  expect(await spend(ida, 351)).toMatchObject({ drawn: { allowance: 350, credits: 1 } });
  expect(await bought(ida)).toBe(999);
});

test("amounts below 1 and parts of a unit are no request at all", async () => {
  const jo = await tenant("jo");
  for (const units of [0, -5, 0.5, Number.NaN, 2 ** 53])
    await expect(spend(jo, units)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const written =
    await owner`select 1 from entries where tenant_id = ${jo.tenant.id} and operation <> 'grant'`;
  expect(written).toEqual([]);
});
