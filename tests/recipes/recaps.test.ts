import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import { definePriceList, type QuotaWindow } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { ledgerPage } from "@/server/credits/ledger-page";
import { entitleDefault } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { status } from "@/server/quota/status";

/**
 * Two buckets: the refillable one is the meter's window, by anniversary; the permanent one is credits. Without a
 * period nothing is refilled: what sign-up gives is then a lot that is spent first.
 */
const recapsList = (period: QuotaWindow | "off") =>
  definePriceList({
    currency: "usd",
    features: {
      recaps: {
        kind: "meter",
        name: "Recaps",
        unit: "recap",
        window: period === "off" ? "year" : period,
        align: "anchored",
        overflow: { to: "credits", credits: 1, perUnits: 1 },
      },
    },
    plans: [
      {
        id: "free",
        name: "Free",
        tagline: "",
        price: { kind: "free" },
        limits: { recaps: period === "off" ? 0 : 5 },
      },
    ],
    packs: [{ id: "recaps_20", name: "20 recaps", credits: 20, priceMinor: 400, expiresAfterDays: null }],
    defaultPlan: "free",
  });

const { tenant, owner, clock, ctx } = await world({ prices: recapsList("month") });

const recap = (of: TenantCtx, units = 1) => consume(of, { feature: "recaps", units });
const buckets = async (of: TenantCtx) => {
  const { meters, credits } = await status(of);
  return { refillable: meters[0]!.remaining, permanent: credits.available };
};
const operations = async (of: TenantCtx) => (await ledgerPage(of, { limit: 200 })).entries;
const total = async (of: TenantCtx, operation: string) =>
  (await operations(of))
    .filter((entry) => entry.operation === operation)
    .reduce((sum, { units }) => sum + units, 0);
const everything = async (of: TenantCtx) =>
  owner`select md5(string_agg(t, '' order by t)) from (select entries::text t from entries where tenant_id = ${of.tenant.id}
        union all select meters::text from meters where tenant_id = ${of.tenant.id} union all select lots::text from lots where tenant_id = ${of.tenant.id}) q`;

test("signing up seeds the refillable bucket, and carries a trial over, once however often it is told", async () => {
  const ada = await tenant("ada");
  const carryOver = () => grantCredits(ada, { amount: 2, kind: "trial", source: "trial:visitor-1" });
  await Promise.all([entitleDefault(ada), entitleDefault(ada), carryOver(), carryOver()]);
  expect(await buckets(ada)).toEqual({ refillable: 5, permanent: 2 });
  expect(await total(ada, "grant")).toBe(7);
});

test("the refillable bucket pays first; the answer says which bucket paid, and what is left", async () => {
  const bo = await tenant("bo");
  await grantCredits(bo, { amount: 20, kind: "purchase", source: "payment:1" });
  expect(await recap(bo, 4)).toMatchObject({ drawn: { allowance: 4, credits: 0 }, remaining: 1 });
  expect(await recap(bo, 3)).toMatchObject({ drawn: { allowance: 1, credits: 2 }, remaining: 0 });
  expect(await recap(bo)).toMatchObject({ drawn: { allowance: 0, credits: 1 } });
  expect(await buckets(bo)).toEqual({ refillable: 0, permanent: 17 });
});

test("the permanent bucket is filled by grants of all kinds, and they never fill the other", async () => {
  const cleo = await tenant("cleo");
  await recap(cleo, 5);
  for (const kind of ["purchase", "promo", "trial", "adjustment"] as const)
    await grantCredits(cleo, { amount: 1, kind, source: `${kind}:1` });
  expect(await buckets(cleo)).toEqual({ refillable: 0, permanent: 4 });
  clock.advance({ days: 400 });
  expect(await buckets(cleo)).toEqual({ refillable: 5, permanent: 4 });
});

test("a refill forfeits what was left, and leaves the permanent bucket alone", async () => {
  const dan = await tenant("dan");
  await grantCredits(dan, { amount: 3, kind: "purchase", source: "payment:2" });
  await recap(dan, 2);
  clock.advance({ days: 31 });
  expect(await recap(dan)).toMatchObject({ used: 1, remaining: 4 });
  expect(await total(dan, "forfeit")).toBe(3);
  expect(await buckets(dan)).toEqual({ refillable: 4, permanent: 3 });
});

test("a month later than 31 January is the last day of February, and then 31 March again", async () => {
  clock.set("2027-01-31T10:00:00Z");
  const eve = await tenant("eve");
  for (const [refilledAt, next] of [
    ["2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z"],
    ["2027-03-31T10:00:00Z", "2027-04-30T10:00:00Z"],
    ["2028-02-29T10:00:00Z", "2028-03-31T10:00:00Z"],
  ] as const) {
    await recap(eve, 5);
    clock.set(new Date(new Date(refilledAt).getTime() - 1));
    if (refilledAt < "2028") expect(await recap(eve)).toMatchObject({ allowed: false });
    clock.set(refilledAt);
    expect(await recap(eve)).toMatchObject({ used: 1, resetsAt: new Date(next) });
    await recap(eve, 4);
  }
});

test("the period is a day, a week or a month, to the second, and off means never", async () => {
  let year = 2030;
  for (const [period, hours] of [
    ["day", 24],
    ["week", 7 * 24],
    ["month", 31 * 24],
    ["off", null],
  ] as const) {
    clock.set(`${year}-03-05T08:00:00Z`);
    year += 2;
    const flo = await newTenant({ ...ctx, prices: recapsList(period) }, "flo");
    if (period === "off") await grantCredits(flo, { amount: 5, kind: "replenish", source: "sign-up" });
    expect(await recap(flo, 5)).toMatchObject({ allowed: true });
    clock.advance({ hours: hours ?? 300 * 24, seconds: -1 });
    expect(await recap(flo)).toMatchObject({ allowed: false });
    clock.advance({ seconds: 1 });
    expect(await recap(flo)).toMatchObject({ allowed: period !== "off" });
  }
});

test("idle for several periods: one refill, the missed ones are not stacked", async () => {
  const gil = await tenant("gil");
  clock.advance({ days: 200 });
  expect(await recap(gil, 6)).toMatchObject({ allowed: false, limit: 5, missing: 1 });
  expect(await recap(gil, 5)).toMatchObject({ allowed: true, remaining: 0 });
  expect((await operations(gil)).filter(({ operation }) => operation === "grant")).toHaveLength(2);
});

test("a read shows the refill that is due, without cron; reading again, and cron after it, change nothing", async () => {
  const hal = await tenant("hal");
  await recap(hal, 5);
  clock.advance({ days: 31 });
  const before = await everything(hal);
  expect(await buckets(hal)).toEqual({ refillable: 5, permanent: 0 });
  expect(await buckets(hal)).toEqual({ refillable: 5, permanent: 0 });
  expect(await everything(hal)).toEqual(before);
  await Promise.all([recap(hal), rollDue(ctx), rollDue(ctx), recap(hal)]);
  expect(await buckets(hal)).toEqual({ refillable: 3, permanent: 0 });
  expect(await total(hal, "grant")).toBe(10);
});

test("what was ever granted, consumed and forfeited is kept", async () => {
  const ida = await tenant("ida");
  await grantCredits(ida, { amount: 20, kind: "purchase", source: "payment:3" });
  await recap(ida, 3);
  clock.advance({ days: 31 });
  await recap(ida, 7);
  const lifetime = {
    granted: await total(ida, "grant"),
    consumed: await total(ida, "consume"),
    forfeited: await total(ida, "forfeit"),
  };
  expect(lifetime).toEqual({ granted: 30, consumed: 10, forfeited: 2 });
  const left = await buckets(ida);
  expect(lifetime.granted - lifetime.consumed - lifetime.forfeited).toBe(left.refillable! + left.permanent);
});

test("none left: the answer says so, and nothing is written", async () => {
  const jo = await tenant("jo");
  await grantCredits(jo, { amount: 1, kind: "promo", source: "promo:1" });
  await recap(jo, 6);
  const before = await everything(jo);
  for (const answer of await Promise.all([recap(jo), recap(jo), recap(jo, 9)]))
    expect(answer).toMatchObject({ allowed: false, reason: "quota" });
  expect(await everything(jo)).toEqual(before);
});

test("requests at the same time never spend one credit twice, in neither bucket", async () => {
  const kim = await tenant("kim");
  await grantCredits(kim, { amount: 3, kind: "purchase", source: "payment:4" });
  const receipts = (await Promise.all(Array.from({ length: 40 }, () => recap(kim)))).filter(
    (receipt) => receipt.allowed,
  );
  expect(receipts).toHaveLength(8);
  expect(receipts.filter(({ drawn }) => drawn.allowance === 1)).toHaveLength(5);
  expect(receipts.filter(({ drawn }) => drawn.credits === 1)).toHaveLength(3);
  expect((await balance(kim)).available).toBe(0);
});

test("the default may be another for one tenant, at once and at every refill", async () => {
  const lee = await tenant("lee");
  await recap(lee, 2);
  await setOverride(lee, { feature: "recaps", limit: 8, reason: "a friend of the house" });
  expect(await buckets(lee)).toEqual({ refillable: 6, permanent: 0 });
  clock.advance({ days: 31 });
  expect(await buckets(lee)).toEqual({ refillable: 8, permanent: 0 });
});
