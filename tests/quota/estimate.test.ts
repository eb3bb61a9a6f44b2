import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { newId } from "@/lib/ids";
import type { TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { estimate } from "@/server/quota/estimate";
import { refund } from "@/server/quota/refund";
import { release } from "@/server/quota/release";
import { reserve } from "@/server/quota/reserve";
import { usageByDay } from "@/server/quota/status";
import { storyPrices as prices } from "./story-prices";

const { tenant, owner, clock } = await world({ prices });
const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);

async function hold(ada: TenantCtx, feature: string, units: number): Promise<string> {
  const held = await reserve(ada, { feature, units });
  if (!held.allowed) throw new Error("not held");
  return held.holdId;
}

test("nothing is known of a meter that was never used", async () => {
  const ada = await tenant("ada");
  expect(await estimate(ada, { feature: "compute" })).toEqual({
    feature: "compute",
    meter: "compute",
    calls: 0,
    p50Units: null,
    p95Units: null,
    unitsPerDay: 0,
    spendableUnits: 100,
    windowStartsAt: ada.now(),
    resetsAt: inDays(7),
    allowanceEndsAt: null,
    runsOutAt: null,
    runsOutBeforeReset: false,
  });
});

test("percentiles are exact: a value that half, or 95 of 100, of the calls stayed within", async () => {
  const ada = await tenant("ada");
  for (const units of [5, 1, 4, 2, 3]) await consume(ada, { feature: "compute", units });
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({ calls: 5, p50Units: 3, p95Units: 5 });
  for (let call = 0; call < 15; call += 1) await consume(ada, { feature: "compute", units: 1 });
  await consume(ada, { feature: "mails", units: 40 });
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({ calls: 20, p50Units: 1, p95Units: 4 });
});

test("a hold counts by what its commit really used; a released one, and what was refused, not at all", async () => {
  const ada = await tenant("ada");
  await commit(ada, { holdId: await hold(ada, "compute", 50), units: 7 });
  await hold(ada, "compute", 60);
  await consume(ada, { feature: "compute", units: 90, recordDenial: true });
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({
    calls: 1,
    p50Units: 7,
    p95Units: 7,
    unitsPerDay: 7,
  });
});

test("calls older than 90 days say nothing any more, and of the rest the newest 1,000 count", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "compute", units: 99 });
  clock.advance({ days: 91 });
  await Promise.all(Array.from({ length: 150 }, () => consume(ada, { feature: "messages", units: 9 })));
  clock.advance({ seconds: 1 });
  await Promise.all(Array.from({ length: 1_000 }, () => consume(ada, { feature: "messages" })));
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({ calls: 0, p50Units: null });
  expect(await estimate(ada, { feature: "messages" })).toMatchObject({ calls: 1_000, p95Units: 1 });
});

test("a pooled feature is estimated by its own calls, in units of the meter it draws on, and by the meter's pace", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "chats", costs: { input_tokens: 200, output_tokens: 100 } });
  await consume(ada, { feature: "compute", units: 20 });
  expect(await estimate(ada, { feature: "chats" })).toMatchObject({
    feature: "chats",
    meter: "compute",
    calls: 1,
    p50Units: 10,
    unitsPerDay: 30,
  });
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({ calls: 2, p95Units: 20 });
});

test("days without use weigh as much as others, and a day's history is the least that makes a pace", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "messages", units: 7 });
  expect(await estimate(ada, { feature: "messages" })).toMatchObject({ unitsPerDay: 7 });
  clock.advance({ days: 7 });
  expect(await estimate(ada, { feature: "messages" })).toMatchObject({ unitsPerDay: 1 });
  clock.advance({ days: 6, hours: 23 });
  expect(await estimate(ada, { feature: "messages" })).toMatchObject({ unitsPerDay: 0.5 });
  clock.advance({ hours: 2 });
  expect(await estimate(ada, { feature: "messages" })).toMatchObject({ unitsPerDay: 0 });
});

test("at this pace you run out on: the allowance first, then credits at their rate, before the reset", async () => {
  const ada = await tenant("ada");
  clock.advance({ days: 1 });
  await consume(ada, { feature: "compute", units: 60 });
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({
    unitsPerDay: 60,
    spendableUnits: 40,
    allowanceEndsAt: inDays(40 / 60),
    runsOutAt: inDays(40 / 60),
    runsOutBeforeReset: true,
  });
  await grantCredits(ada, { amount: 90, kind: "purchase", source: "payment:1" });
  await grantCredits(ada, { amount: 20, unit: "compute", kind: "promo", source: "promo:1" });
  expect(await estimate(ada, { feature: "compute" })).toMatchObject({
    spendableUnits: 120,
    allowanceEndsAt: inDays(40 / 60),
    runsOutAt: inDays(2),
    runsOutBeforeReset: true,
  });
});

test("overage carries on as far as the spend cap pays, a limit that warns without end", async () => {
  const bo = await tenant("bo");
  clock.advance({ days: 1 });
  await consume(bo, { feature: "mails", units: 50 });
  expect(await estimate(bo, { feature: "mails" })).toMatchObject({
    unitsPerDay: 50,
    spendableUnits: 40,
    runsOutAt: inDays(0.8),
  });
  await consume(bo, { feature: "messages", units: 30 });
  expect(await estimate(bo, { feature: "messages" })).toMatchObject({
    spendableUnits: null,
    runsOutAt: null,
  });
});

test("a level grows by what is taken less what is given back", async () => {
  const ada = await tenant("ada");
  await consume(ada, { feature: "seats", units: 2 });
  await release(ada, { feature: "seats", units: 1, key: "left" });
  expect(await estimate(ada, { feature: "seats" })).toMatchObject({
    unitsPerDay: 1,
    resetsAt: null,
    runsOutAt: inDays(2),
    runsOutBeforeReset: true,
  });
});

test("usage by day counts what was used: commits not holds, less refunds; what others used stays theirs", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  await consume(bo, { feature: "compute", units: 99 });
  await consume(ada, { feature: "compute", units: 10 });
  const late = await hold(ada, "compute", 30);
  await hold(ada, "compute", 5);
  clock.advance({ days: 1 });
  const settled = await commit(ada, { holdId: late, units: 25 });
  await refund(ada, { entryId: settled.entryId, units: 4, key: "sorry", reason: "it broke" });
  await consume(ada, { feature: "seats", units: 2 });
  await release(ada, { feature: "seats", units: 1, key: "gone" });
  const today = clock.now().toISOString().slice(0, 10);
  const yesterday = inDays(-1).toISOString().slice(0, 10);
  expect(await usageByDay(ada, { feature: "compute" })).toEqual([
    { day: yesterday, units: 10 },
    { day: today, units: 21 },
  ]);
  expect(await usageByDay(ada, { feature: "seats" })).toEqual([{ day: today, units: 1 }]);
  expect(await usageByDay(ada, { feature: "compute", days: 1 })).toEqual(
    expect.arrayContaining([{ day: today, units: 21 }]),
  );
});

test("a tenant busier than can be read is judged by what its meter counted since its window began", async () => {
  clock.set("2026-11-02T09:00:00Z");
  const ada = await tenant("ada");
  await consume(ada, { feature: "messages", units: 16 });
  clock.set("2026-11-09T00:00:00Z");
  const ids = Array.from({ length: 20_001 }, () => newId("entry", clock.now()));
  await owner`insert into entries (tenant_id, id, operation, feature, units, reason, actor, created_at)
    select ${ada.tenant.id}, id, 'deny', 'compute', 1, 'quota', 'system:test', ${clock.now()} from unnest(${ids}::text[]) id`;
  expect(await estimate(ada, { feature: "messages" })).toMatchObject({ unitsPerDay: 2 });
});

test("history is read by the key it is stored under, not by reading everything", async () => {
  const ada = await tenant("ada");
  const plan = await owner.begin(async (tx) => {
    await tx`set local enable_seqscan = off`;
    return tx`explain select units from entries where tenant_id = ${ada.tenant.id} and id >= ${"ent_0"} order by id desc limit 10`;
  });
  expect(JSON.stringify(plan)).toMatch(/Index (Only )?Scan/);
});

test("flags, leases and unknown features have no estimate", async () => {
  const ada = await tenant("ada");
  await expect(estimate(ada, { feature: "sso" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(estimate(ada, { feature: "teleport" })).rejects.toMatchObject({ code: "UNKNOWN_FEATURE" });
});
