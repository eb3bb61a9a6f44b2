import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { entitleDefault } from "@/server/entitlements/entitle";
import { endOverride, setOverride } from "@/server/entitlements/override";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { recount } from "@/server/quota/recount";
import { status } from "@/server/quota/status";
import { business, meterOf, meterStatus, subscribe } from "./business";

const prices = business(
  {
    sso: { kind: "flag", name: "SSO" },
    upload_mb: { kind: "cap", name: "Upload" },
    seats: { kind: "level", name: "Seats" },
    sessions: { kind: "lease", name: "Sessions", heartbeatSeconds: 60 },
    pages: meterOf({ window: "month", align: "calendar" }),
    run: { kind: "pooled", name: "Runs", meter: "pages", base: 1, weights: { page: { units: 1, per: 1 } } },
  },
  {
    free: { sso: false, upload_mb: 10, seats: 2, sessions: 1, pages: 100, run: 5 },
    pro: { sso: true, upload_mb: 50, seats: 20, sessions: 5, pages: 1_000, run: 50 },
  },
);
const { tenant, owner, clock, ctx } = await world({ prices });

const reason = "signed on paper";
const inDays = (of: TenantCtx, days: number) => new Date(of.now().getTime() + days * 86_400_000);
const rows = (of: TenantCtx) =>
  owner`select feature, "limit", reason, actor, expires_at, ended_at, ended_by from overrides where tenant_id = ${of.tenant.id} order by id`;
const audits = (of: TenantCtx) =>
  owner`select action, actor, details from audit_events where tenant_id = ${of.tenant.id} and action like 'override.%' order by id`;

test("every kind follows at once, and returns to the plan when the override is ended", async () => {
  const ada = await tenant("ada");
  const limits = { sso: true, upload_mb: 75, seats: "unlimited", sessions: 3, pages: 250, run: 8 } as const;
  const asked = { sso: 1, upload_mb: 75, seats: 400, pages: 250 };
  for (const [feature, units] of Object.entries(asked))
    expect(await check(ada, { feature, units })).toMatchObject({ allowed: false });
  for (const [feature, limit] of Object.entries(limits)) await setOverride(ada, { feature, limit, reason });
  for (const [feature, units] of Object.entries(asked))
    expect(await check(ada, { feature, units })).toMatchObject({ allowed: true });
  expect(await check(ada, { feature: "upload_mb", units: 76 })).toMatchObject({ reason: "quota", limit: 75 });
  expect(await check(ada, { feature: "run", costs: { page: 7 } })).toMatchObject({ allowed: true });
  expect(await check(ada, { feature: "run", costs: { page: 8 } })).toMatchObject({ reason: "request_cap" });
  const shown = await status(ada);
  expect(shown.flags).toMatchObject([{ feature: "sso", on: true }]);
  expect(shown.caps).toMatchObject([{ feature: "upload_mb", limit: 75 }]);
  expect(shown.meters.map((meter) => [meter.feature, meter.limit])).toEqual([
    ["seats", null],
    ["sessions", 3],
    ["pages", 250],
  ]);
  for (const feature of Object.keys(limits)) await endOverride(ada, { feature, reason: "contract ended" });
  for (const [feature, units] of Object.entries(asked))
    expect(await check(ada, { feature, units })).toMatchObject({ allowed: false });
});

test("a lower limit stops at once what a plan would allow, and a flag can be taken away", async () => {
  const bo = await tenant("bo");
  await subscribe(bo, "pro");
  await consume(bo, { feature: "pages", units: 300 });
  await setOverride(bo, { feature: "pages", limit: 200, reason });
  await setOverride(bo, { feature: "sso", limit: false, reason });
  expect(await consume(bo, { feature: "pages" })).toMatchObject({ allowed: false, used: 300, limit: 200 });
  expect(await check(bo, { feature: "sso" })).toMatchObject({ allowed: false, reason: "not_in_plan" });
});

test("it ends at its very instant, without cron, and the plan's allowance holds in the same window", async () => {
  const cleo = await tenant("cleo");
  await setOverride(cleo, { feature: "pages", limit: 500, reason, expiresAt: inDays(cleo, 3) });
  await setOverride(cleo, { feature: "sso", limit: true, reason, expiresAt: inDays(cleo, 3) });
  await consume(cleo, { feature: "pages", units: 90 });
  clock.advance({ days: 2, hours: 23, minutes: 59, seconds: 59 });
  expect(await check(cleo, { feature: "pages", units: 400 })).toMatchObject({ allowed: true });
  expect(await check(cleo, { feature: "sso" })).toMatchObject({ allowed: true });
  clock.advance({ seconds: 1 });
  expect(await check(cleo, { feature: "sso" })).toMatchObject({ allowed: false });
  expect(await meterStatus(cleo, "pages")).toMatchObject({ used: 90, limit: 100 });
  expect(await consume(cleo, { feature: "pages", units: 11 })).toMatchObject({ allowed: false, limit: 100 });
  expect(await consume(cleo, { feature: "pages", units: 10 })).toMatchObject({ allowed: true, used: 100 });
});

test("cron finds an override that is over, and so does the next plan change; either way once", async () => {
  const dan = await tenant("dan");
  await setOverride(dan, { feature: "pages", limit: 500, reason, expiresAt: inDays(dan, 1) });
  clock.advance({ days: 1 });
  await Promise.all([rollDue(ctx), rollDue(ctx)]);
  await subscribe(dan, "pro");
  const told =
    await owner`select reason, granted_after from entries where tenant_id = ${dan.tenant.id} and feature = 'pages' and operation = 'adjust' order by id`;
  expect(told.map((entry) => [entry.reason, Number(entry.granted_after)])).toEqual([
    ["override set", 500],
    ["override ended", 100],
    ["plan changed", 1_000],
  ]);
});

test("it outlasts plan changes, and the plan of the day it ends is the one that holds then", async () => {
  const ada = await tenant("ada");
  await setOverride(ada, { feature: "pages", limit: 400, reason, expiresAt: inDays(ada, 10) });
  await subscribe(ada, "pro");
  expect(await meterStatus(ada, "pages")).toMatchObject({ limit: 400 });
  await entitleDefault(ada);
  expect(await meterStatus(ada, "pages")).toMatchObject({ limit: 400 });
  await subscribe(ada, "pro");
  clock.advance({ days: 10 });
  expect(await meterStatus(ada, "pages")).toMatchObject({ limit: 1_000 });
});

test("a window that opens under an override is the override's, until it ends", async () => {
  clock.set("2026-09-10T09:00:00.000Z");
  const bo = await tenant("bo");
  await setOverride(bo, { feature: "pages", limit: 300, reason, expiresAt: inDays(bo, 40) });
  clock.set("2026-10-05T09:00:00.000Z");
  expect(await consume(bo, { feature: "pages", units: 300 })).toMatchObject({ allowed: true, limit: 300 });
  clock.set("2026-10-20T09:00:00.000Z");
  expect(await consume(bo, { feature: "pages" })).toMatchObject({ allowed: false, used: 300, limit: 100 });
  clock.set("2026-11-01T00:00:00.000Z");
  expect(await consume(bo, { feature: "pages" })).toMatchObject({ allowed: true, used: 1, limit: 100 });
});

test("at most one holds: a new one closes the old, and one that ran out is closed as of its end", async () => {
  const cleo = await tenant("cleo");
  const first = inDays(cleo, 1);
  await setOverride(cleo, { feature: "seats", limit: 5, reason, expiresAt: first });
  clock.advance({ days: 2 });
  await setOverride(cleo, { feature: "seats", limit: 6, reason });
  await Promise.all(
    [7, 8, 9].map((limit) => setOverride(cleo, { feature: "seats", limit, reason: `race ${limit}` })),
  );
  const kept = await rows(cleo);
  expect(kept).toHaveLength(5);
  expect(kept[0]).toMatchObject({ ended_at: first, ended_by: "expiry" });
  const live = kept.filter((row) => row.ended_at === null);
  expect(live).toHaveLength(1);
  expect(await meterStatus(cleo, "seats")).toMatchObject({ limit: Number(live[0]!.limit) });
});

test("who, why and until when stand in the row and in the audit trail", async () => {
  const dan = await tenant("dan");
  const until = inDays(dan, 30);
  await setOverride(dan, { feature: "pages", limit: 500, reason, expiresAt: until });
  await endOverride(dan, { feature: "pages", reason: "too generous" });
  const actor = `user:${dan.actor.kind === "user" ? dan.actor.userId : ""}`;
  expect(await rows(dan)).toMatchObject([{ reason, actor, expires_at: until, ended_by: actor }]);
  expect(await audits(dan)).toMatchObject([
    { action: "override.set", actor, details: { feature: "pages", limit: 500, reason } },
    { action: "override.ended", actor, details: { feature: "pages", reason: "too generous" } },
  ]);
});

test("what makes no sense is refused and leaves nothing behind", async () => {
  const ada = await tenant("ada");
  const attempts = [
    { feature: "sso", limit: 5 },
    { feature: "pages", limit: true },
    { feature: "pages", limit: -1 },
    { feature: "pages", limit: 1.5 },
    { feature: "pages", limit: 10, expiresAt: ada.now() },
  ];
  for (const attempt of attempts)
    await expect(setOverride(ada, { ...attempt, reason })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(setOverride(ada, { feature: "ghost", limit: 1, reason })).rejects.toMatchObject({
    code: "UNKNOWN_FEATURE",
  });
  await expect(setOverride(ada, { feature: "pages", limit: 1, reason: " " })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
  await expect(endOverride(ada, { feature: "pages", reason })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await rows(ada)).toHaveLength(0);
  expect(await audits(ada)).toHaveLength(0);
});

test("a feature newer than the tenant's plan version can be given by an override, and taken away again", async () => {
  const old = await tenant("bo");
  const newer = { ...old, prices: { ...prices, features: { ...prices.features, energy: meterOf() } } };
  expect(await consume(newer, { feature: "energy" })).toMatchObject({ reason: "not_in_plan" });
  await setOverride(newer, { feature: "energy", limit: 20, reason });
  expect(await consume(newer, { feature: "energy", units: 20 })).toMatchObject({ allowed: true });
  await subscribe(old, "pro");
  expect(await consume(newer, { feature: "energy" })).toMatchObject({ allowed: false, limit: 20 });
  await endOverride(newer, { feature: "energy", reason });
  clock.advance({ days: 40 });
  expect(await consume(newer, { feature: "energy" })).toMatchObject({ allowed: false, limit: 0 });
});

test("places that a lower limit left outside are within the plan's again when it ends by itself: none is given twice", async () => {
  const ada = await tenant("lena");
  await setOverride(ada, { feature: "seats", limit: 0, reason, expiresAt: inDays(ada, 1) });
  await recount(ada, { feature: "seats", reason: "counted", count: async () => 1 });
  expect(await meterStatus(ada, "seats")).toMatchObject({ limit: 0, used: 0 });
  clock.advance({ days: 1 });
  expect(await consume(ada, { feature: "seats", units: 2 })).toMatchObject({
    allowed: false,
    used: 1,
    limit: 2,
  });
  expect(await consume(ada, { feature: "seats", units: 1 })).toMatchObject({ allowed: true, used: 2 });
});
