import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { block } from "@/server/entitlements/block";
import { check } from "@/server/quota/check";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import type { ReserveInput } from "@/server/quota/inputs";
import { sweepHolds } from "@/server/quota/jobs";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";

const { tenant, clock, ctx, owner } = await world();
// Free: 100 compute units a week, then credits one to one.
const feature = "compute";

const hold = async (ada: TenantCtx, units: number, more: Partial<ReserveInput> = {}) =>
  (await reserve(ada, { feature, units, ...more })) as Reserved;
const usedOf = async (ada: TenantCtx) =>
  (await status(ada)).meters.find((meter) => meter.feature === feature)!.used;

test("a hold keeps its units from everybody else, and gives back what was not used", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 20, kind: "purchase", source: "payment:1" });
  const held = await hold(ada, 110);
  expect(held).toMatchObject({ allowed: true, used: 100, drawn: { allowance: 100, credits: 10 } });
  expect(await check(ada, { feature, units: 11 })).toMatchObject({ allowed: false, missing: 1 });
  const settled = await commit(ada, { holdId: held.holdId, units: 30 });
  expect(settled).toMatchObject({
    units: 30,
    charged: 30,
    uncharged: 0,
    used: 30,
    returned: { allowance: 70, credits: 10 },
  });
  expect((await balance(ada)).available).toBe(20);
});

test("commit is carried out once: the same again is the stored answer, another amount a conflict", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 40);
  const settled = await commit(ada, { holdId, units: 25 });
  expect(await commit(ada, { holdId, units: 25 })).toEqual({ ...settled, replayed: true });
  await expect(commit(ada, { holdId, units: 26 })).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  await expect(releaseHold(ada, { holdId })).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await usedOf(ada)).toBe(25);
});

test("50 commits of one hold at once charge it once", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 40);
  const settled = await Promise.all(Array.from({ length: 50 }, () => commit(ada, { holdId, units: 12 })));
  expect(settled.filter((one) => !one.replayed)).toHaveLength(1);
  expect(await usedOf(ada)).toBe(12);
});

test("a released hold gives everything back once, and can't be committed any more", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 40);
  expect(await releaseHold(ada, { holdId })).toMatchObject({
    replayed: false,
    returned: { allowance: 40 },
    used: 0,
  });
  expect(await releaseHold(ada, { holdId })).toMatchObject({ replayed: true, returned: { allowance: 40 } });
  await expect(commit(ada, { holdId, units: 1 })).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await usedOf(ada)).toBe(0);
});

test.each([
  ["reject", { charged: 80, uncharged: 50, used: 80, unchargedBecause: "no_credits" }, 10],
  ["cap", { charged: 110, uncharged: 20, used: 100, unchargedBecause: "no_credits" }, 0],
  ["overflow", { charged: 130, uncharged: 0, used: 100, overUnits: 20, unchargedBecause: null }, 0],
] as const)(
  "above its hold, `%s`: what was used is recorded in any case",
  async (overflow, expected, creditsLeft) => {
    const ada = await tenant("ada");
    await grantCredits(ada, { amount: 10, kind: "purchase", source: "payment:1" });
    const { holdId } = await hold(ada, 80, { overflow });
    expect(await commit(ada, { holdId, units: 130 })).toMatchObject({ units: 130, ...expected });
    expect((await balance(ada)).available).toBe(creditsLeft);
    const [entry] =
      await owner`select units from entries where tenant_id = ${ada.tenant.id} and operation = 'commit'`;
    expect(entry).toMatchObject({ units: "130" });
  },
);

test("what fits above the hold is drawn whole when it fits", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 80);
  expect(await commit(ada, { holdId, units: 95 })).toMatchObject({
    charged: 95,
    drawn: { allowance: 15 },
    used: 95,
  });
});

test("a blocked account settles what was held, and draws nothing more", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 10, { overflow: "overflow" });
  await block(ada, { reason: "past_due" });
  expect(await reserve(ada, { feature })).toMatchObject({ allowed: false, reason: "blocked" });
  expect(await commit(ada, { holdId, units: 15 })).toMatchObject({
    charged: 10,
    uncharged: 5,
    unchargedBecause: "blocked:past_due",
  });
  expect(await usedOf(ada)).toBe(10);
});

test("a hold past its expiry is free for others at that instant, and a late commit draws anew", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 100, { expiresInSeconds: 60, overflow: "cap" });
  expect(await check(ada, { feature })).toMatchObject({ allowed: false });
  clock.advance({ seconds: 60 });
  expect(await check(ada, { feature, units: 100 })).toMatchObject({ allowed: true });
  expect(await consume(ada, { feature, units: 70 })).toMatchObject({ allowed: true, used: 70 });
  expect(await commit(ada, { holdId, units: 40 })).toMatchObject({
    units: 40,
    charged: 30,
    uncharged: 10,
    used: 100,
  });
});

test("a hold that nobody wants meanwhile is committed as if it had not expired", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 50, { expiresInSeconds: 60 });
  clock.advance({ hours: 1 });
  expect(await commit(ada, { holdId, units: 20 })).toMatchObject({
    charged: 20,
    returned: { allowance: 30 },
    used: 20,
  });
});

test("a hold from a window that closed gives its allowance back to nobody", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 60, { expiresInSeconds: 86_400 });
  clock.advance({ days: 6, hours: 23 });
  const late = await hold(ada, 20, { expiresInSeconds: 86_400 });
  clock.advance({ hours: 2 });
  expect(await commit(ada, { holdId: late.holdId, units: 5 })).toMatchObject({
    charged: 5,
    lapsed: 15,
    used: 0,
  });
  expect(await sweepHolds(ctx)).toEqual({ expiredHolds: 1 });
  expect(await usedOf(ada)).toBe(0);
  expect(await commit(ada, { holdId, units: 60 })).toMatchObject({ charged: 60, used: 60 });
});

test("reserve is idempotent by key, and its hold keeps the expiry it had", async () => {
  const ada = await tenant("ada");
  const asked = { feature, units: 30, key: "job-1", expiresInSeconds: 60 };
  const first = await reserve(ada, asked);
  clock.advance({ seconds: 30 });
  expect(await reserve(ada, asked)).toEqual({ ...first, replayed: true });
  await expect(reserve(ada, { ...asked, units: 31 })).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  await expect(consume(ada, { feature, units: 30, key: "job-1" })).rejects.toMatchObject({
    code: "IDEMPOTENCY_CONFLICT",
  });
  expect(await usedOf(ada)).toBe(30);
});

test("a commit of exactly what was held moves nothing, and tells the window all the same", async () => {
  const ada = await tenant("ada");
  const held = await hold(ada, 40);
  const settled = await commit(ada, { holdId: held.holdId, units: 40 });
  expect(settled).toMatchObject({ charged: 40, lapsed: 0, used: 40, limit: 100, returned: { allowance: 0 } });
  expect(settled.resetsAt).toEqual(held.resetsAt);
});

test("another tenant's hold does not exist", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const { holdId } = await hold(ada, 5);
  const strangers = [
    () => commit(bo, { holdId, units: 1 }),
    () => releaseHold(bo, { holdId }),
    () => commit(bo, { holdId }),
  ];
  for (const ask of strangers) await expect(ask()).rejects.toMatchObject({ code: "NOT_FOUND" });
});
