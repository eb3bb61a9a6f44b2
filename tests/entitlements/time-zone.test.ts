import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { entitleDefault } from "@/server/entitlements/entitle";
import { setTimeZone } from "@/server/entitlements/time-zone";
import { consume } from "@/server/quota/consume";
import { business, meterOf, meterStatus } from "./business";

const prices = business(
  {
    pages: meterOf({ window: "month", align: "calendar" }),
    daily: meterOf({ window: "day", align: "calendar" }),
    compute: meterOf({ window: "month", align: "anchored" }),
    channels: { kind: "level", name: "Channels" },
  },
  { free: { pages: 100, daily: 10, compute: 100, channels: 5 } },
);
const { tenant, owner, clock } = await world({ prices });

/** As the next request sees it. */
const moveTo = async (ctx: TenantCtx, timeZone: string): Promise<TenantCtx> => {
  await setTimeZone(ctx, { timeZone });
  return { ...ctx, tenant: { ...ctx.tenant, timeZone } };
};
const resetOf = async (ctx: TenantCtx, feature: string) =>
  (await meterStatus(ctx, feature)).resetsAt!.toISOString();
const take = async (ctx: TenantCtx, feature: string, units: number) =>
  (await consume(ctx, { feature, units })).allowed;

test("eastwards the page ends with the new zone's month, westwards too, and what was used stays used", async () => {
  clock.set("2026-06-20T12:00:00.000Z");
  const utc = await tenant("ada");
  expect(await take(utc, "pages", 70)).toBe(true);
  const auckland = await moveTo(utc, "Pacific/Auckland");
  expect(await resetOf(auckland, "pages")).toBe("2026-06-30T12:00:00.000Z");
  const honolulu = await moveTo(auckland, "Pacific/Honolulu");
  expect(await resetOf(honolulu, "pages")).toBe("2026-07-01T10:00:00.000Z");
  expect(await meterStatus(honolulu, "pages")).toMatchObject({ used: 70, remaining: 30 });
});

test("a calendar page is given once, however often its first day is crossed to and fro", async () => {
  clock.set("2026-06-30T20:00:00.000Z");
  let bo = await tenant("bo");
  let drawn = 0;
  const burn = async () => {
    drawn += (await take(bo, "pages", 100)) ? 100 : 0;
  };
  await burn();
  for (const zone of [
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
    "Pacific/Kiritimati",
    "Asia/Tokyo",
    "UTC",
  ]) {
    bo = await moveTo(bo, zone);
    clock.advance({ minutes: 1 });
    await burn();
    clock.advance({ hours: 8 });
    await burn();
  }
  // June's page and July's: the journey lasted from 30 June to 2 July.
  expect(drawn).toBe(200);
});

test("a month that has already begun in the new zone opens there a moment later", async () => {
  clock.set("2026-06-30T20:00:00.000Z");
  const cleo = await tenant("cleo");
  expect(await take(cleo, "pages", 100)).toBe(true);
  const tokyo = await moveTo(cleo, "Asia/Tokyo");
  clock.advance({ seconds: 1 });
  expect(await take(tokyo, "pages", 100)).toBe(true);
  expect(await resetOf(tokyo, "pages")).toBe("2026-07-31T15:00:00.000Z");
});

test("days follow the zone as months do", async () => {
  clock.set("2026-06-15T09:00:00.000Z");
  const dan = await tenant("dan");
  expect(await take(dan, "daily", 10)).toBe(true);
  const tokyo = await moveTo(dan, "Asia/Tokyo");
  expect(await resetOf(tokyo, "daily")).toBe("2026-06-15T15:00:00.000Z");
  expect(await take(tokyo, "daily", 1)).toBe(false);
  clock.set("2026-06-15T15:00:00.000Z");
  expect(await take(tokyo, "daily", 10)).toBe(true);
});

test("anchored windows keep their instants as far as clocks allow, and levels don't care", async () => {
  clock.set("2026-06-15T09:00:00.000Z");
  const ada = await tenant("ada");
  const before = await resetOf(ada, "compute");
  const tokyo = await moveTo(ada, "Asia/Tokyo");
  expect(await resetOf(tokyo, "compute")).toBe(before);
  const pago = await moveTo(tokyo, "Pacific/Pago_Pago");
  expect(await resetOf(pago, "compute")).toBe(before);
  expect(await take(pago, "channels", 5)).toBe(true);
});

test("whoever still holds the tenant as it was before the move doesn't move it back", async () => {
  clock.set("2026-06-20T12:00:00.000Z");
  const before = await tenant("cleo-two");
  await moveTo(before, "Pacific/Auckland");
  await entitleDefault(before);
  expect(await resetOf(before, "pages")).toBe("2026-06-30T12:00:00.000Z");
});

test("the move is written down once, and a zone that is none is refused", async () => {
  const bo = await tenant("bo");
  await moveTo(bo, "Asia/Tokyo");
  await setTimeZone(bo, { timeZone: "Asia/Tokyo" });
  await expect(setTimeZone(bo, { timeZone: "Mars/Base" })).rejects.toThrow(/input is not valid/);
  const told =
    await owner`select details from audit_events where tenant_id = ${bo.tenant.id} and action = 'tenant.time_zone_changed'`;
  expect(told.map((event) => event.details)).toEqual([{ from: "UTC", to: "Asia/Tokyo" }]);
});
