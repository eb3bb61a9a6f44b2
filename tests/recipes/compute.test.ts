import { call } from "@tests/http/call";
import { overlapping } from "@tests/support/interleave";
import { newTenant, world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { entitle } from "@/server/entitlements/entitle";
import { ensurePlanVersions } from "@/server/plans/service";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";
import { computeList } from "./compute-list";

const prices = computeList({ weekly: 1_000, ratio: 100 });
const { tenant, owner, clock, ctx } = await world({ prices });

const WEEK_MS = 7 * 86_400_000;
const after = (ms: number) => new Date(clock.now().getTime() + ms);
const run = (of: TenantCtx, id: string, costs: Record<string, number>) =>
  consume(of, { feature: "run", costs, key: `run:${id}`, properties: { run: id } });
const subscribe = async (of: TenantCtx, anchorAt = of.now()) =>
  entitle(of, {
    planVersionId: (await ensurePlanVersions(of)).get("team")!.id,
    source: "subscription",
    anchorAt,
  });
let payments = 0;
const buy = (of: TenantCtx, amount: number, expiresAt: Date | null = null) => {
  payments += 1;
  return grantCredits(of, { amount, kind: "purchase", source: `payment:${payments}`, expiresAt });
};
const windows = (of: TenantCtx, operation: string) =>
  owner`select units::int, window_starts_at, window_ends_at, plan_version, used_after::int as used from entries
        where tenant_id = ${of.tenant.id} and feature = 'compute' and operation = ${operation} order by id`;
const told = async (of: TenantCtx) =>
  (
    await owner`select payload ->> 'percent' as percent from outbox where tenant_id = ${of.tenant.id} and type = 'quota.threshold' order by id`
  ).map(({ percent }) => Number(percent));

test("a run costs its base and its dollars at the plan version's ratio; what each kind cost is kept", async () => {
  const ada = await tenant("ada");
  await subscribe(ada);
  const receipt = await run(ada, "1", { model: 1_234_567, sandbox: 210_000, network: 30_000 });
  // 2 + 123.4567 + 10.5 + 1.5 = 137.4567
  expect(receipt).toMatchObject({ allowed: true, units: 138, remaining: 862, planVersion: "team@1" });
  const [entry] =
    await owner`select breakdown, properties from entries where tenant_id = ${ada.tenant.id} and operation = 'consume'`;
  expect(entry).toMatchObject({
    breakdown: { feature: "run", base: 2, costs: { model: 123, sandbox: 11, network: 2 } },
    properties: { run: "1" },
  });
  const bo = await tenant("bo");
  expect(await run(bo, "1", { model: 500_000, network: 30_000 })).toMatchObject({ units: 29 });
});

test("no single run is dearer than the plan's ceiling", async () => {
  const bo = await tenant("bo");
  expect(await run(bo, "1", { model: 760_000 })).toMatchObject({ allowed: true, units: 40 });
  expect(await run(bo, "2", { model: 760_001 })).toMatchObject({
    allowed: false,
    reason: "request_cap",
    missing: 1,
    upgradeTo: "team",
  });
});

test("a run in progress holds the most it may cost; at its end it is charged what it did, by kind", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, 30);
  const runs = [
    await reserve(cleo, { feature: "run", costs: { model: 760_000 }, key: "run:1" }),
    await reserve(cleo, { feature: "run", costs: { model: 760_000 }, key: "run:2" }),
    await reserve(cleo, { feature: "run", costs: { model: 760_000 }, key: "run:3" }),
  ];
  expect(await reserve(cleo, { feature: "run", costs: { model: 260_000 } })).toMatchObject({
    allowed: false,
    missing: 5,
  });
  const holdIds = runs.map((held) => (held.allowed ? held.holdId : ""));
  const costs = { model: 300_000, sandbox: 70_000, network: 4_000 };
  expect(await commit(cleo, { holdId: holdIds[2]!, costs })).toMatchObject({ units: 21 });
  expect((await balance(cleo)).available).toBe(29);
  const [entry] =
    await owner`select units::int, breakdown from entries where tenant_id = ${cleo.tenant.id} and operation = 'commit'`;
  expect(entry).toMatchObject({
    units: 21,
    breakdown: { feature: "run", base: 2, costs: { model: 15, sandbox: 4, network: 0 } },
  });
  for (const holdId of holdIds.slice(0, 2)) await commit(cleo, { holdId, costs: {} });
  expect((await status(cleo)).meters[0]).toMatchObject({ used: 24 });
});

test("a run is charged once, however often and however late it is reported", async () => {
  const cleo = await tenant("cleo");
  const reported = await Promise.all(Array.from({ length: 20 }, () => run(cleo, "1", { model: 200_000 })));
  expect(new Set(reported.map((receipt) => receipt.allowed && receipt.entryId)).size).toBe(1);
  clock.advance({ days: 21 });
  await subscribe(cleo);
  expect(await run(cleo, "1", { model: 200_000 })).toMatchObject({ replayed: true, units: 12, used: 12 });
  await expect(run(cleo, "1", { model: 200_001 })).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  expect((await status(cleo)).meters[0]).toMatchObject({ used: 0, limit: 1_000 });
});

test("weeks count from the start of the subscription's period; each keeps its quota and plan version", async () => {
  const dan = await tenant("dan");
  clock.advance({ days: 30, hours: 5 });
  const periodAt = clock.now();
  await subscribe(dan);
  expect(await run(dan, "1", { model: 980_000 })).toMatchObject({
    used: 100,
    resetsAt: after(WEEK_MS),
  });
  clock.advance({ days: 10 });
  expect(await run(dan, "2", { model: 980_000 })).toMatchObject({ used: 100 });
  const opened = await windows(dan, "grant");
  expect(opened.at(-1)).toMatchObject({
    units: 1_000,
    window_starts_at: new Date(periodAt.getTime() + WEEK_MS),
    window_ends_at: new Date(periodAt.getTime() + 2 * WEEK_MS),
    plan_version: "team@1",
  });
  expect((await windows(dan, "forfeit")).at(-1)).toMatchObject({ units: 900, used: 100 });
});

test("past the week's quota packs pay, the one that expires first; an expired pack pays for nothing", async () => {
  const eve = await tenant("eve");
  const kept = await buy(eve, 500);
  const expiring = await buy(eve, 30, after(2 * 86_400_000));
  for (const id of ["1", "2", "3"]) await run(eve, id, { model: 760_000 });
  expect((await balance(eve)).available).toBe(510);
  expect(await run(eve, "4", { model: 400_000 })).toMatchObject({
    drawn: {
      allowance: 0,
      credits: 22,
      lots: [
        { lotId: expiring.lotId, units: 10 },
        { lotId: kept.lotId, units: 12 },
      ],
    },
  });
  const lost = await buy(eve, 30, after(86_400_000));
  clock.advance({ days: 1 });
  expect(await run(eve, "5", { model: 400_000 })).toMatchObject({
    drawn: { lots: [{ lotId: kept.lotId, units: 22 }] },
  });
  expect((await balance(eve)).lots.map(({ lotId }) => lotId)).not.toContain(lost.lotId);
});

test("quota and packs used up: 402 before the run, with what would help", async () => {
  const flo = await tenant("flo");
  await buy(flo, 10);
  const charge = (id: string, model: number) =>
    call(flo, "quota.consume", { feature: "run", costs: { model }, key: `run:${id}` });
  for (const id of ["1", "2", "3"]) expect((await charge(id, 600_000)).status).toBe(200);
  const answer = await charge("4", 300_000);
  expect(answer.status).toBe(402);
  expect(answer.error?.data).toMatchObject({
    code: "PAYMENT_REQUIRED",
    appCode: "QUOTA_EXCEEDED",
    denial: { feature: "compute", used: 96, limit: 100, missing: 3, upgradeTo: "team" },
  });
  const started = await call(flo, "runs.start", { name: "train", computeUnits: 15 });
  expect(started.status).toBe(402);
  expect(await owner`select 1 from runs where tenant_id = ${flo.tenant.id}`).toEqual([]);
  expect((await call(flo, "runs.start", { name: "train", computeUnits: 14 })).status).toBe(200);
});

test("every answer carries what remains, denials too", async () => {
  const gil = await tenant("gil");
  const charge = (model: number) => call(gil, "quota.consume", { feature: "run", costs: { model } });
  const paid = await charge(760_000);
  expect(paid.data).toMatchObject({ remaining: 60, resetsAt: after(WEEK_MS) });
  expect(paid.headers.get("ratelimit")).toBe('"compute";r=60;t=604800');
  expect(paid.headers.get("ratelimit-policy")).toBe('"compute";q=100;w=604800');
  await charge(760_000);
  const denied = await charge(760_000);
  expect(denied.status).toBe(402);
  expect(denied.headers.get("ratelimit")).toBe('"compute";r=20;t=604800');
});

test("80 % and 100 % are told once a week each", async () => {
  const hal = await tenant("hal");
  for (const id of ["1", "2", "3"]) await run(hal, id, { model: 600_000 });
  await Promise.all(["4", "5"].map((id) => run(hal, id, {})));
  await run(hal, "6", {});
  expect(await told(hal)).toEqual([80, 100]);
  clock.advance({ days: 7 });
  await run(hal, "7", { model: 760_000 });
  await run(hal, "8", { model: 760_000 });
  expect(await told(hal)).toEqual([80, 100, 80]);
});

test("the weekly reset waits for a run that is being charged, and that run counts in its own week", async () => {
  const ida = await tenant("ida");
  const lastMoment = after(WEEK_MS - 1);
  clock.advance({ days: 7 });
  const [receipt] = await overlapping(
    { owner },
    ida,
    (inner) => run({ ...inner, now: () => lastMoment }, "1", { model: 560_000 }),
    () => rollDue(ctx),
  );
  expect(receipt).toMatchObject({ allowed: true, used: 30 });
  expect((await windows(ida, "forfeit")).at(-1)).toMatchObject({ units: 70, used: 30 });
  expect((await status(ida)).meters[0]).toMatchObject({ used: 0, limit: 100 });
});

test("runs and resets at the same time: every unit counts in one week, and each week is opened once", async () => {
  const jo = await tenant("jo");
  clock.advance({ days: 7 });
  const work = Array.from({ length: 30 }, (_, at) => run(jo, `${at}`, { model: 20_000 }));
  const resets = Array.from({ length: 5 }, () => rollDue(ctx));
  const [receipts] = await Promise.all([Promise.all(work), ...resets]);
  const charged = receipts.filter((receipt) => receipt.allowed);
  expect(charged.map(({ used }) => used).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 30 }, (_, at) => 3 * (at + 1)),
  );
  expect(await windows(jo, "grant")).toHaveLength(2);
  expect(await windows(jo, "forfeit")).toHaveLength(1);
});

test("a new period moves the weeks to its start, and what was used of the week goes along", async () => {
  const kim = await tenant("kim");
  await subscribe(kim);
  await run(kim, "1", { model: 980_000 });
  clock.advance({ days: 3 });
  await subscribe(kim);
  expect((await status(kim)).meters[0]).toMatchObject({ used: 100, limit: 1_000, resetsAt: after(WEEK_MS) });
  await subscribe(kim);
  clock.advance({ days: 7 });
  expect((await status(kim)).meters[0]).toMatchObject({ used: 0, limit: 1_000, resetsAt: after(WEEK_MS) });
});

test("a new version of the plan leaves tenants where they are: quota, ratio and all", async () => {
  const lee = await tenant("lee");
  await subscribe(lee);
  const today = { ...ctx, prices: computeList({ weekly: 400, ratio: 300 }) };
  const later = { ...lee, prices: today.prices };
  expect(await run(later, "1", { model: 1_000_000 })).toMatchObject({ units: 102, limit: 1_000 });
  clock.advance({ days: 7 });
  expect(await run(later, "2", { model: 1_000_000 })).toMatchObject({
    units: 102,
    limit: 1_000,
    planVersion: "team@1",
  });
  const mia = await newTenant(today, "mia");
  await subscribe(mia);
  expect(await run(mia, "1", { model: 1_000_000 })).toMatchObject({
    units: 302,
    limit: 400,
    planVersion: "team@2",
  });
  await subscribe(later);
  expect(await run(later, "3", { model: 100_000 })).toMatchObject({ units: 32, limit: 400 });
});
