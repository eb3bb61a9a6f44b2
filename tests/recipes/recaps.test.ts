import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { grantSignUp } from "@/server/credits/grant-sign-up";
import { history } from "@/server/credits/history";
import { expireLots } from "@/server/credits/jobs";
import { lifetime } from "@/server/credits/lifetime";
import { entitleDefault } from "@/server/entitlements/entitle";
import { consume } from "@/server/quota/consume";
import { recapsList } from "./recaps-list";

const { tenant, owner, clock, ctx } = await world({ prices: recapsList("month") });

const recap = (of: TenantCtx, units = 1, key?: string) => consume(of, { feature: "recaps", units, key });
const buckets = async (of: TenantCtx) => {
  const { lots } = await balance(of);
  const sum = (refilled: boolean) =>
    lots
      .filter(({ kind }) => (kind === "replenish") === refilled)
      .reduce((all, lot) => all + lot.remaining, 0);
  return { refillable: sum(true), permanent: sum(false) };
};
/** What each bucket paid for a call. */
const paidBy = async (of: TenantCtx, receipt: Awaited<ReturnType<typeof recap>>) => {
  if (!receipt.allowed) return null;
  const rows = await owner`select id, kind from lots where tenant_id = ${of.tenant.id}`;
  const kindOf = (lotId: string) => rows.find(({ id }) => id === lotId)!.kind;
  const from = (refilled: boolean) =>
    receipt.drawn.lots
      .filter(({ lotId }) => (kindOf(lotId) === "replenish") === refilled)
      .reduce((all, { units }) => all + units, 0);
  return { refillable: from(true), permanent: from(false) };
};
let payments = 0;
const buy = (of: TenantCtx, amount: number) => {
  payments += 1;
  return grantCredits(of, { amount, kind: "purchase", source: `payment:${payments}` });
};
const everything = async (of: TenantCtx) =>
  owner`select md5(string_agg(t, '' order by t)) from (select entries::text t from entries where tenant_id = ${of.tenant.id}
        union all select replenishments::text from replenishments where tenant_id = ${of.tenant.id}
        union all select meters::text from meters where tenant_id = ${of.tenant.id} union all select lots::text from lots where tenant_id = ${of.tenant.id}) q`;

test("signing up seeds the refillable bucket, with 5 unless the business says otherwise, once however often it is told", async () => {
  const ada = await tenant("ada");
  await Promise.all(Array.from({ length: 10 }, () => entitleDefault(ada)));
  await Promise.all(Array.from({ length: 10 }, () => grantSignUp(ada)));
  expect(await buckets(ada)).toEqual({ refillable: 5, permanent: 0 });
  expect(await lifetime(ada)).toMatchObject({ granted: 5, consumed: 0 });
  const other = await newTenant({ ...ctx, prices: recapsList("month", 8) }, "bo");
  expect(await buckets(other)).toEqual({ refillable: 8, permanent: 0 });
});

test("the refillable bucket pays first; the answer says which bucket paid, and the balance what is left", async () => {
  const bo = await tenant("bo");
  await buy(bo, 20);
  expect(await paidBy(bo, await recap(bo, 4))).toEqual({ refillable: 4, permanent: 0 });
  expect(await paidBy(bo, await recap(bo, 3))).toEqual({ refillable: 1, permanent: 2 });
  const last = await recap(bo, 1, "recap:1");
  expect(await paidBy(bo, last)).toEqual({ refillable: 0, permanent: 1 });
  expect(await recap(bo, 1, "recap:1")).toEqual({ ...last, replayed: true });
  expect(await buckets(bo)).toEqual({ refillable: 0, permanent: 17 });
});

test("what is bought, granted or carried over is permanent and never fills the refillable bucket", async () => {
  const cleo = await tenant("cleo");
  await recap(cleo, 5);
  for (const kind of ["purchase", "promo", "trial", "adjustment", "compensation"] as const)
    await grantCredits(cleo, { amount: 1, kind, source: `${kind}:1` });
  expect(await buckets(cleo)).toEqual({ refillable: 0, permanent: 5 });
  clock.advance({ days: 400 });
  expect(await buckets(cleo)).toEqual({ refillable: 5, permanent: 5 });
});

test("a refill forfeits what was left, and leaves the permanent bucket alone", async () => {
  const dan = await tenant("dan");
  await buy(dan, 3);
  await recap(dan, 2);
  clock.advance({ days: 31 });
  expect(await paidBy(dan, await recap(dan))).toEqual({ refillable: 1, permanent: 0 });
  expect(await buckets(dan)).toEqual({ refillable: 4, permanent: 3 });
  expect(await lifetime(dan)).toMatchObject({ granted: 13, consumed: 3, expired: 3, remaining: 7 });
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
    expect(await recap(eve)).toMatchObject({ allowed: true });
    expect((await balance(eve)).nextRefill).toEqual({ at: new Date(next), units: 5, every: "month" });
    await recap(eve, 4);
  }
});

test("the period is a day, a week or a month, to the millisecond; off gives what sign-up gives, and nothing more", async () => {
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
    await grantSignUp(flo);
    expect(await recap(flo, 5)).toMatchObject({ allowed: true });
    clock.set(new Date(clock.now().getTime() + (hours ?? 300 * 24) * 3_600_000 - 1));
    expect(await recap(flo)).toMatchObject({ allowed: false });
    clock.set(new Date(clock.now().getTime() + 1));
    expect(await recap(flo)).toMatchObject({ allowed: period !== "off" });
  }
});

test("idle for several periods: one refill, the missed ones are not stacked", async () => {
  const gil = await tenant("gil");
  clock.advance({ days: 200 });
  expect(await recap(gil, 6)).toMatchObject({ allowed: false, missing: 1 });
  expect(await recap(gil, 5)).toMatchObject({ allowed: true });
  expect(await lifetime(gil)).toMatchObject({ granted: 10, consumed: 5, expired: 5 });
});

test("a read makes the refill that is due, without cron; reading again, and cron after it, change nothing", async () => {
  const hal = await tenant("hal");
  await recap(hal, 5);
  clock.advance({ days: 31 });
  expect(await buckets(hal)).toEqual({ refillable: 5, permanent: 0 });
  const before = await everything(hal);
  expect(await buckets(hal)).toEqual({ refillable: 5, permanent: 0 });
  await Promise.all([balance(hal), history(hal), expireLots(ctx), expireLots(ctx), balance(hal)]);
  expect(await everything(hal)).toEqual(before);
});

test("reads, recaps and cron that all find the refill due make it once", async () => {
  const ida = await tenant("ida");
  clock.advance({ days: 95 });
  await Promise.all([
    ...Array.from({ length: 10 }, () => recap(ida)),
    ...Array.from({ length: 10 }, () => balance(ida)),
    ...Array.from({ length: 5 }, () => expireLots(ctx)),
  ]);
  expect(await buckets(ida)).toEqual({ refillable: 0, permanent: 0 });
  expect(await lifetime(ida)).toMatchObject({ granted: 10, consumed: 5, expired: 5, remaining: 0 });
});

test("what was ever granted and consumed is kept, and the rest is accounted for", async () => {
  const jo = await tenant("jo");
  await buy(jo, 20);
  await recap(jo, 3);
  clock.advance({ days: 31 });
  await recap(jo, 7);
  expect(await buckets(jo)).toEqual({ refillable: 0, permanent: 18 });
  const kept = { granted: 30, consumed: 10, expired: 2, takenBack: 0, repaid: 0, remaining: 18 };
  expect(await lifetime(jo)).toMatchObject(kept);
  expect((await history(jo)).rows[0]).toMatchObject({ balanceAfter: 18 });
});

test("none left: the answer says so, and nothing is written", async () => {
  const kim = await tenant("kim");
  await grantCredits(kim, { amount: 1, kind: "promo", source: "promo:1" });
  await recap(kim, 6);
  const before = await everything(kim);
  for (const answer of await Promise.all([recap(kim), recap(kim), recap(kim, 9)]))
    expect(answer).toMatchObject({
      allowed: false,
      reason: "no_credits",
      waysOut: [{ kind: "buy_credits" }],
    });
  expect(await everything(kim)).toEqual(before);
});

test("requests at the same time never spend one credit twice, in neither bucket", async () => {
  const lee = await tenant("lee");
  await buy(lee, 3);
  const receipts = await Promise.all(Array.from({ length: 40 }, () => recap(lee)));
  const paid = await Promise.all(receipts.map((receipt) => paidBy(lee, receipt)));
  expect(paid.filter((one) => one?.refillable === 1)).toHaveLength(5);
  expect(paid.filter((one) => one?.permanent === 1)).toHaveLength(3);
  expect(paid.filter((one) => one === null)).toHaveLength(32);
  expect((await balance(lee)).available).toBe(0);
});
