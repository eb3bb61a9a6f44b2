import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { unblock } from "@/server/entitlements/block";
import { entitleDefault } from "@/server/entitlements/entitle";
import { setOverride } from "@/server/entitlements/override";
import { setTimeZone } from "@/server/entitlements/time-zone";
import { consume } from "@/server/quota/consume";
import { release } from "@/server/quota/release";
import { business, DAY_MS, meterOf, meterStatus, subscribe } from "./business";

const prices = business(
  {
    compute: meterOf({ window: "month", align: "anchored" }),
    pages: meterOf({ window: "month", align: "calendar" }),
    daily: meterOf({ window: "day", align: "calendar" }),
    seats_paid: meterOf({ window: "billing_period" }),
    soft: meterOf({ window: "month", align: "calendar", onLimit: "warn" }),
    channels: { kind: "level", name: "Channels", onLimit: "warn" },
  },
  {
    free: { compute: 100, pages: 100, daily: 10, seats_paid: 10, soft: 10, channels: 5 },
    pro: { compute: 1_000, pages: 1_000, daily: 100, seats_paid: 100, soft: 100, channels: 50 },
  },
);
const { tenant, owner, clock } = await world({ prices, start: "2026-06-10T09:00:00.000Z" });

const row = async (ctx: TenantCtx, feature: string) =>
  (await owner`select * from meters where tenant_id = ${ctx.tenant.id} and feature = ${feature}`)[0]!;
const burn = async (ctx: TenantCtx, feature: string, units: number) =>
  expect(await consume(ctx, { feature, units })).toMatchObject({ allowed: true });
const iso = (at: Date | null) => at?.toISOString();

test("an upgrade counts at once, keeps what was used, and moves anchored windows to the subscription's own", async () => {
  const ada = await tenant("ada");
  await burn(ada, "compute", 90);
  clock.advance({ days: 10 });
  const before = await row(ada, "compute");
  await subscribe(ada, "pro", { anchorAt: ada.now() });
  expect(await meterStatus(ada, "compute")).toMatchObject({ used: 90, limit: 1_000 });
  const after = await row(ada, "compute");
  expect(after.carried_from).toEqual(before.carried_from);
  expect(after.window_starts_at).toEqual(ada.now());
  expect(iso(after.window_ends_at)).toBe("2026-07-20T09:00:00.000Z");
  expect(await consume(ada, { feature: "compute", units: 911 })).toMatchObject({ allowed: false });
  await burn(ada, "compute", 910);
});

test("a plan change that moves no window changes nothing of it", async () => {
  const bo = await tenant("bo");
  await burn(bo, "pages", 60);
  const before = await row(bo, "pages");
  await subscribe(bo, "pro");
  const after = await row(bo, "pages");
  for (const column of ["window_starts_at", "window_ends_at", "carried_from", "used"])
    expect(after[column]).toEqual(before[column]);
  expect(Number(after.granted)).toBe(1_000);
});

test("a downgrade leaves what was used over the new limit, and the next window is the smaller one", async () => {
  const cleo = await tenant("cleo");
  await subscribe(cleo, "pro");
  await burn(cleo, "pages", 700);
  await entitleDefault(cleo);
  expect(await meterStatus(cleo, "pages")).toMatchObject({ used: 700, limit: 100, remaining: 0 });
  expect(await consume(cleo, { feature: "pages" })).toMatchObject({ allowed: false, reason: "quota" });
  clock.set("2026-07-01T00:00:00.000Z");
  expect(await meterStatus(cleo, "pages")).toMatchObject({ used: 0, limit: 100 });
  await burn(cleo, "pages", 100);
  clock.set("2026-07-10T09:00:00.000Z");
});

test("cancelled and subscribed again in one window: nothing comes back", async () => {
  const dan = await tenant("dan");
  await subscribe(dan, "pro", { anchorAt: dan.now() });
  await burn(dan, "compute", 1_000);
  for (let again = 0; again < 3; again += 1) {
    clock.advance({ hours: 1 });
    await entitleDefault(dan);
    clock.advance({ hours: 1 });
    await subscribe(dan, "pro", { anchorAt: dan.now() });
    expect(await consume(dan, { feature: "compute" })).toMatchObject({ allowed: false, used: 1_000 });
  }
  clock.advance({ days: 31 });
  await burn(dan, "compute", 1_000);
});

test("an anchor that lies just ahead brings no allowance forward", async () => {
  const ada = await tenant("ada");
  await subscribe(ada, "pro", { anchorAt: ada.now() });
  await burn(ada, "compute", 1_000);
  clock.advance({ days: 5 });
  // A month's boundary one minute from now: the window may not end there, it lasts until the one after.
  await subscribe(ada, "pro", { anchorAt: new Date(ada.now().getTime() - 31 * DAY_MS + 60_000) });
  clock.advance({ minutes: 2 });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({ allowed: false });
  const opened = await row(ada, "compute");
  expect(opened.window_ends_at.getTime()).toBeGreaterThanOrEqual(opened.carried_from.getTime() + 30 * DAY_MS);
});

test("from months to a year and back: usage goes along, and the next month is a whole one away", async () => {
  const bo = await tenant("bo");
  const started = bo.now();
  await subscribe(bo, "pro", { anchorAt: started, interval: "month" });
  await burn(bo, "seats_paid", 80);
  clock.advance({ days: 3 });
  await subscribe(bo, "pro", { anchorAt: bo.now(), interval: "year" });
  expect(await meterStatus(bo, "seats_paid")).toMatchObject({ used: 80, limit: 100, windowUnit: "year" });
  expect(bo.now().getTime() + 365 * DAY_MS).toBe((await meterStatus(bo, "seats_paid")).resetsAt!.getTime());
  clock.advance({ days: 3 });
  await subscribe(bo, "pro", { anchorAt: started, interval: "month" });
  const back = await meterStatus(bo, "seats_paid");
  expect(back).toMatchObject({ used: 80, windowUnit: "month" });
  expect(back.resetsAt!.getTime()).toBeGreaterThanOrEqual(started.getTime() + 30 * DAY_MS);
});

test("past the limit goes along too: what lots or a warning let through still counts in the moved window", async () => {
  const cleo = await tenant("cleo");
  await burn(cleo, "soft", 25);
  expect(await row(cleo, "soft")).toMatchObject({ used: "10", beyond: "15", over: "15" });
  await setTimeZone(cleo, { timeZone: "Asia/Tokyo" });
  expect(await row(cleo, "soft")).toMatchObject({ used: "10", beyond: "15", over: "15" });
});

test("places of a level that a warning let in stay held, and move under the higher limit", async () => {
  const dan = await tenant("dan");
  for (let at = 0; at < 8; at += 1) await burn(dan, "channels", 1);
  expect(await row(dan, "channels")).toMatchObject({ used: "5", over: "3" });
  await subscribe(dan, "pro");
  expect(await row(dan, "channels")).toMatchObject({ used: "8", over: "0", beyond: "0" });
  await burn(dan, "channels", 42);
  expect(await consume(dan, { feature: "channels" })).toMatchObject({ allowed: true, warning: "over_limit" });
  await entitleDefault(dan);
  for (let at = 0; at < 51; at += 1) await release(dan, { feature: "channels", key: `close-${at}` });
  await expect(release(dan, { feature: "channels", key: "one-too-many" })).rejects.toThrow(/Fewer than/);
});

test("thresholds start over from what is used: 80 per cent of ten is none of a hundred", async () => {
  const ada = await tenant("ada");
  await burn(ada, "daily", 9);
  expect((await row(ada, "daily")).alerted).toBe(80);
  await subscribe(ada, "pro");
  expect((await row(ada, "daily")).alerted).toBe(0);
  await entitleDefault(ada);
  expect((await row(ada, "daily")).alerted).toBe(80);
});

test("told twice, late or five times over, the same plan changes nothing at all", async () => {
  const bo = await tenant("bo");
  const terms = { anchorAt: bo.now() };
  await subscribe(bo, "pro", terms);
  await burn(bo, "compute", 10);
  const everything = async () => [
    await owner`select * from meters where tenant_id = ${bo.tenant.id} order by feature`,
    await owner`select * from entries where tenant_id = ${bo.tenant.id} order by id`,
    await owner`select * from audit_events where tenant_id = ${bo.tenant.id} order by id`,
  ];
  const before = await everything();
  for (let again = 0; again < 5; again += 1) await subscribe(bo, "pro", terms);
  expect(await everything()).toEqual(before);
});

test("plan changes, overrides, blocks and calls that meet at one instant leave one plan and balanced books", async () => {
  const cleo = await tenant("cleo-two");
  const calls = () =>
    Promise.all(Array.from({ length: 30 }, () => consume(cleo, { feature: "compute", units: 7 })));
  const [receipts, , , , more] = await Promise.all([
    calls(),
    subscribe(cleo, "pro", { anchorAt: cleo.now() }),
    setOverride(cleo, { feature: "compute", limit: 400, reason: "race" }),
    setTimeZone(cleo, { timeZone: "Asia/Tokyo" }),
    calls(),
    entitleDefault(cleo),
    unblock(cleo, { reason: "past_due" }),
  ]);
  const drawn = 7 * [...receipts, ...more].filter((receipt) => receipt.allowed).length;
  expect(drawn).toBeLessThanOrEqual(1_000);
  expect(await meterStatus(cleo, "compute")).toMatchObject({ used: drawn, limit: 400 });
});
