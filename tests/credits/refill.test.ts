import { subscribe, versionOf } from "@tests/entitlements/business";
import { creditBusiness } from "@tests/support/credits";
import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { expireLots } from "@/server/credits/jobs";
import { entitle, entitleDefault } from "@/server/entitlements/entitle";
import { setTimeZone } from "@/server/entitlements/time-zone";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { status } from "@/server/quota/status";

const prices = creditBusiness({
  free: { credits: 5, every: "day", first: 10 },
  pro: { credits: 100, every: "month" },
  none: undefined,
});
const { tenant, clock, ctx, owner } = await world({ prices });

/** A new tenant that was on no other plan before. */
const tenantOn = (plan: string) => newTenant({ ...ctx, prices: { ...prices, defaultPlan: plan } }, "bo");
const available = async (of: TenantCtx) => (await balance(of)).available;
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "pages", units });
const refills = async (of: TenantCtx) =>
  (
    await owner`select source, granted, starts_at, expires_at from lots where tenant_id = ${of.tenant.id} and kind = 'replenish' order by starts_at`
  ).map((lot) => ({
    source: lot.source,
    granted: Number(lot.granted),
    from: lot.starts_at.toISOString(),
    until: lot.expires_at.toISOString(),
  }));
const lost = async (of: TenantCtx) =>
  (
    await owner`select units from entries where tenant_id = ${of.tenant.id} and operation = 'expire' order by id`
  ).map((entry) => Number(entry.units));

test("the first is given with the plan, once for ever; the next when its period is over, and what was left is lost", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  await entitleDefault(ada);
  expect(await available(ada)).toBe(10);
  await spend(ada, 3);
  clock.set("2026-03-03T08:59:59.999Z");
  expect(await available(ada)).toBe(7);
  clock.set("2026-03-03T09:00:00.000Z");
  expect(await spend(ada, 6)).toMatchObject({ allowed: false });
  expect(await spend(ada, 5)).toMatchObject({ allowed: true, drawn: { credits: 5 } });
  expect(await available(ada)).toBe(0);
  expect(await lost(ada)).toEqual([7]);
  expect((await refills(ada)).map(({ source, granted }) => [source, granted])).toEqual([
    ["refill:first", 10],
    ["refill:2026-03-03T09:00:00.000Z", 5],
  ]);
});

test("idle for many periods: one refill, and reading twice changes nothing", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  clock.set("2026-03-20T15:00:00.000Z");
  expect(await available(ada)).toBe(5);
  expect(await available(ada)).toBe(5);
  expect((await refills(ada)).slice(1)).toEqual([
    {
      source: "refill:2026-03-20T09:00:00.000Z",
      granted: 5,
      from: "2026-03-20T09:00:00.000Z",
      until: "2026-03-21T09:00:00.000Z",
    },
  ]);
});

test("what is refilled is spent first, what was bought stays", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 20, kind: "purchase", source: "order:1" });
  await spend(ada, 12);
  expect(await available(ada)).toBe(18);
  clock.advance({ days: 3 });
  expect((await balance(ada)).lots.map((lot) => [lot.kind, lot.remaining])).toEqual([
    ["replenish", 5],
    ["purchase", 18],
  ]);
});

test("a month later than 31 January is the last day of February, then 31 March again", async () => {
  clock.set("2026-01-31T10:00:00.000Z");
  const bo = await tenantOn("pro");
  for (const day of ["2026-02-15", "2026-02-27", "2026-02-28", "2026-03-30", "2026-03-31", "2026-04-30"]) {
    clock.set(`${day}T10:00:00.000Z`);
    await balance(bo);
  }
  expect((await refills(bo)).map(({ granted, from }) => [granted, from])).toEqual([
    [100, "2026-01-31T10:00:00.000Z"],
    [100, "2026-02-28T10:00:00.000Z"],
    [100, "2026-03-31T10:00:00.000Z"],
    [100, "2026-04-30T10:00:00.000Z"],
  ]);
});

test("a change of plan counts from the next period on, and changing to and fro adds no refill", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  for (const plan of ["pro", "none", "free", "none", "pro"]) {
    await subscribe(ada, plan);
    expect(await available(ada)).toBe(10);
  }
  clock.set("2026-03-03T09:00:00.000Z");
  expect(await available(ada)).toBe(100);
  await subscribe(ada, "none");
  expect(await available(ada)).toBe(100);
  clock.set("2026-04-03T09:00:00.000Z");
  expect(await available(ada)).toBe(0);
});

test("a plan without a refill gives none, and one that comes later begins with its own", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const fay = await tenantOn("none");
  clock.advance({ days: 2 });
  expect(await available(fay)).toBe(0);
  await subscribe(fay, "pro");
  expect(await available(fay)).toBe(100);
});

test("a plan that is over refills no period that begins then or later", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  const endsAt = new Date("2026-03-03T12:00:00.000Z");
  await entitle(ada, { planVersionId: await versionOf(ada, "pro"), source: "prepaid", endsAt });
  clock.set("2026-03-03T11:00:00.000Z");
  expect(await available(ada)).toBe(100);
  clock.set("2026-04-04T09:00:00.000Z");
  expect((await status(ada)).credits.available).toBe(5);
  expect(await spend(ada, 6)).toMatchObject({ allowed: false });
});

test("another time zone moves the next periods, and gives none sooner than a whole one", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  await setTimeZone(ada, { timeZone: "Asia/Tokyo" });
  await setTimeZone(ada, { timeZone: "America/New_York" });
  for (let hour = 0; hour < 24 * 5; hour += 1) {
    clock.advance({ hours: 1 });
    await balance(ada);
  }
  expect((await refills(ada)).length).toBeLessThanOrEqual(6);
});

test("check, consume, balance, status and cron at once, 50 times: one refill", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  clock.set("2026-03-05T10:00:00.000Z");
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => {
      const calls = [
        () => spend(ada, 1),
        () => consume(ada, { feature: "images", units: 1 }),
        () => balance(ada),
        () => check(ada, { feature: "pages", units: 1 }),
        () => expireLots(ctx),
        () => rollDue(ctx),
        () => status(ada),
      ];
      return calls[n % calls.length]!();
    }),
  );
  expect(await refills(ada)).toHaveLength(2);
  const [drawn] =
    await owner`select sum(credits) as n from entries where tenant_id = ${ada.tenant.id} and operation = 'consume'`;
  expect(Number(drawn!.n)).toBe(5);
  expect(await available(ada)).toBe(0);
});

test("the check sees the refill that is due, and gives none", async () => {
  clock.set("2026-03-02T09:00:00.000Z");
  const ada = await tenant("ada");
  await spend(ada, 10);
  expect(await check(ada, { feature: "pages", units: 1 })).toMatchObject({ allowed: false });
  clock.advance({ days: 1 });
  expect(await check(ada, { feature: "pages", units: 5 })).toMatchObject({ allowed: true });
  expect(await refills(ada)).toHaveLength(1);
});
