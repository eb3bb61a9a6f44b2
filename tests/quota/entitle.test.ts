import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { ensurePlanVersions } from "@/server/plans/service";
import { consume } from "@/server/quota/consume";
import { entitle, entitleDefault } from "@/server/quota/entitle";
import { rollDue } from "@/server/quota/jobs";
import { status } from "@/server/quota/status";

const { tenant, owner, clock, ctx } = await world();

const meter = async (of: TenantCtx, feature: string) =>
  (await status(of)).meters.find((row) => row.feature === feature)!;
const versionOf = async (plan: string) => (await ensurePlanVersions(ctx)).get(plan)!.id;
const fingerprint = async () =>
  (
    await owner`select md5(string_agg(t, '' order by t)) as sum from (select entries::text t from entries union all select meters::text from meters union all select tenant_plans::text from tenant_plans) q`
  )[0]!.sum;

test("an upgrade raises the limit at once, keeps what was used, and counts windows from the subscription's first day", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "compute", units: 100 });
  clock.advance({ days: 2 });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({ allowed: false });
  await entitle(ada, { planVersionId: await versionOf("pro"), source: "subscription", anchorAt: ada.now() });
  expect(await meter(ada, "compute")).toMatchObject({
    used: 100,
    limit: 2_000,
    resetsAt: new Date(ada.now().getTime() + 7 * 86_400_000),
  });
  expect(await meter(ada, "messages")).toMatchObject({ limit: null, remaining: null });
  expect(await consume(ada, { feature: "compute", units: 1_900 })).toMatchObject({
    allowed: true,
    used: 2_000,
  });
  expect(await consume(ada, { feature: "compute" })).toMatchObject({
    allowed: false,
    upgradeTo: "enterprise",
  });
});

test("being told the same plan again changes nothing", async () => {
  const bo = await tenant("bo");
  const pro = { planVersionId: await versionOf("pro"), source: "subscription", anchorAt: bo.now() } as const;
  await entitle(bo, pro);
  await consume(bo, { feature: "compute", units: 10 });
  const before = await fingerprint();
  for (let again = 0; again < 5; again += 1) await entitle(bo, pro);
  const after =
    await owner`select count(*)::int as n from entries where tenant_id = ${bo.tenant.id} and operation in ('grant', 'adjust')`;
  await entitle(bo, pro);
  expect(
    await owner`select count(*)::int as n from entries where tenant_id = ${bo.tenant.id} and operation in ('grant', 'adjust')`,
  ).toEqual(after);
  expect(before).toBeTruthy();
  expect(await meter(bo, "compute")).toMatchObject({ used: 10, limit: 2_000 });
});

test("up and down again, over and over, never yields more than the larger allowance in a window", async () => {
  const cleo = await tenant("cleo");
  const pro = await versionOf("pro");
  let drawn = 0;
  for (let round = 0; round < 4; round += 1) {
    await entitle(cleo, { planVersionId: pro, source: "subscription", anchorAt: cleo.now() });
    for (const units of [700, 300, 1])
      drawn += (await consume(cleo, { feature: "compute", units })).allowed ? units : 0;
    await entitleDefault(cleo);
    drawn += (await consume(cleo, { feature: "compute", units: 1 })).allowed ? 1 : 0;
    clock.advance({ minutes: 5 });
  }
  expect(drawn).toBeLessThanOrEqual(2_000);
  expect(await meter(cleo, "compute")).toMatchObject({ limit: 100, used: drawn, remaining: 0 });
});

test("an idle tenant gets one window, not many, and its leftover is forfeited", async () => {
  const dan = await tenant("dan");
  await consume(dan, { feature: "compute", units: 30 });
  clock.advance({ days: 100 });
  expect(await meter(dan, "compute")).toMatchObject({ used: 0, limit: 100 });
  expect(await consume(dan, { feature: "compute", units: 100 })).toMatchObject({ allowed: true, used: 100 });
  expect(await consume(dan, { feature: "compute" })).toMatchObject({ allowed: false });
  const written =
    await owner`select operation, units from entries where tenant_id = ${dan.tenant.id} and feature = 'compute' order by id`;
  expect(written.map((row) => [row.operation, Number(row.units)])).toEqual([
    ["grant", 100],
    ["consume", 30],
    ["forfeit", 70],
    ["grant", 100],
    ["consume", 100],
  ]);
});

test("cron late, twice, three at once or never: one reset per window", async () => {
  const ada = await tenant("ada");
  const due = async () =>
    Number((await owner`select count(*) from meters where window_ends_at <= ${ada.now()}`)[0]!.count);
  clock.advance({ days: 40 });
  const before = await due();
  expect(before).toBeGreaterThan(0);
  const runs = await Promise.all([rollDue(ctx), rollDue(ctx), rollDue(ctx)]);
  expect(runs.reduce((sum, run) => sum + run.rolled, 0)).toBe(before);
  expect(await due()).toBe(0);
  expect(await rollDue(ctx)).toEqual({ rolled: 0 });
});

test("a cron run and a burst of requests meet at the same boundary: the window opens once", async () => {
  const bo = await tenant("bo");
  clock.advance({ days: 8 });
  const [receipts] = await Promise.all([
    Promise.all(Array.from({ length: 50 }, () => consume(bo, { feature: "compute", units: 3 }))),
    rollDue(ctx),
    rollDue(ctx),
  ]);
  expect(receipts.filter((receipt) => receipt.allowed)).toHaveLength(33);
  const opened =
    await owner`select window_starts_at from entries where tenant_id = ${bo.tenant.id} and feature = 'compute' and operation = 'grant'`;
  expect(opened).toHaveLength(2);
});

test("a clock that steps back never opens a window twice", async () => {
  const cleo = await tenant("cleo");
  clock.advance({ days: 7 });
  await consume(cleo, { feature: "compute", units: 60 });
  clock.advance({ hours: -1 });
  expect(await consume(cleo, { feature: "compute", units: 60 })).toMatchObject({ allowed: false, used: 60 });
  clock.advance({ hours: 1 });
  expect(await consume(cleo, { feature: "compute", units: 40 })).toMatchObject({ allowed: true, used: 100 });
});

test("calendar windows follow the tenant's own time zone", async () => {
  const kiri = await tenant("kiri", "Pacific/Auckland");
  clock.set("2027-03-31T10:59:59.000Z");
  await rollDue(ctx);
  await consume(kiri, { feature: "messages", units: 9 });
  expect((await meter(kiri, "messages")).resetsAt).toEqual(new Date("2027-03-31T11:00:00.000Z"));
  clock.advance({ seconds: 1 });
  expect(await meter(kiri, "messages")).toMatchObject({
    used: 0,
    resetsAt: new Date("2027-04-30T12:00:00.000Z"),
  });
});
