import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { createCtx, type TenantCtx } from "@/server/context";
import { grantCredits } from "@/server/credits/grant-credits";
import { archiveEntries } from "@/server/ledger/archive";
import { verifyBooks } from "@/server/ledger/books";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { rollDue } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";
import { reserve } from "@/server/quota/reserve";

const scene = await world({ start: "2026-02-10T09:00:00.000Z" });
const cron = createCtx(scene.runtime, { kind: "cron", job: "reset" });
const archiveBefore = (before: string) =>
  archiveEntries({ ownerUrl: scene.ownerUrl, before, now: scene.clock.now() });

/** Compute is used up, so that everything below draws credits. */
async function onCredits(name: string): Promise<TenantCtx> {
  const tenant = await scene.tenant(name);
  await grantCredits(tenant, { amount: 300, kind: "promo", source: "promo:1" });
  await grantCredits(tenant, { amount: 300, kind: "purchase", source: "payment:1" });
  await consume(tenant, { feature: "compute", units: 100 });
  return tenant;
}

async function charge(ctx: TenantCtx, units: number): Promise<string> {
  const receipt = await consume(ctx, { feature: "compute", units });
  if (!receipt.allowed) throw new Error(receipt.message);
  return receipt.entryId;
}

async function hold(ctx: TenantCtx, units: number, expiresInSeconds = 900): Promise<string> {
  const held = await reserve(ctx, { feature: "compute", units, expiresInSeconds });
  if (!held.allowed) throw new Error(held.message);
  return held.holdId;
}

const remaining = async (ctx: TenantCtx) =>
  (
    await scene.owner`select remaining::int from lots where tenant_id = ${ctx.tenant.id} order by priority`
  ).map((row) => Number(row.remaining));

const isLive = async (id: string) =>
  (await scene.owner`select tableoid::regclass::text as place from entries where id = ${id}`)[0]?.place ??
  null;

test("a charge that was settled or refunded in a later month stays, and can be refunded on; others can't any more", async () => {
  const ada = await onCredits("ada");
  const [forgotten, refundedBefore, refundedAfter] = [
    await charge(ada, 10),
    await charge(ada, 20),
    await charge(ada, 40),
  ];
  await refund(ada, { entryId: refundedBefore, key: "soon", reason: "test" });
  scene.clock.set("2026-02-28T23:55:00.000Z");
  await rollDue(cron);
  await consume(ada, { feature: "compute", units: 100 });
  const held = await hold(ada, 250);
  scene.clock.set("2026-03-01T00:05:00.000Z");
  await commit(ada, { holdId: held, units: 230 });
  await refund(ada, { entryId: refundedAfter, units: 15, key: "late", reason: "test" });
  const before = await remaining(ada);
  expect(before).toEqual([300 - 10 - 25 - 230, 300]);
  scene.clock.set("2026-03-20T09:00:00.000Z");
  await rollDue(cron);

  expect(await archiveBefore("2026-03")).toEqual(["entries_2026_02"]);
  expect(await verifyBooks(scene.ctx)).toEqual([]);
  expect(await remaining(ada)).toEqual(before);
  expect(await isLive(held)).toBe("entries_before_2026_03");
  expect(await isLive(refundedAfter)).toBe("entries_before_2026_03");
  expect([await isLive(forgotten), await isLive(refundedBefore)]).toEqual([null, null]);

  await refund(ada, { entryId: held, units: 30, key: "held", reason: "test" });
  await refund(ada, { entryId: refundedAfter, key: "rest", reason: "test" });
  expect(await remaining(ada)).toEqual([300 - 10 - 200, 300]);
  for (const entryId of [forgotten, refundedBefore])
    await expect(refund(ada, { entryId, key: `no:${entryId}`, reason: "test" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });

  scene.clock.set("2026-05-20T09:00:00.000Z");
  await rollDue(cron);
  expect(await archiveBefore("2026-05")).toEqual(["entries_before_2026_03", "entries_2026_03"]);
  expect(await isLive(held)).toBe(null);
  expect(await remaining(ada)).toEqual([300 - 10 - 200, 300]);
});

test("an open hold is not archived, and the refusal names it; settled, it may go, and can't be settled otherwise", async () => {
  scene.clock.set("2027-02-10T09:00:00.000Z");
  const bo = await onCredits("bo");
  const held = await hold(bo, 50);
  scene.clock.set("2027-04-20T09:00:00.000Z");
  await scene.owner`update holds set expires_at = ${scene.clock.now()} + interval '1 hour' where id = ${held}`;
  await rollDue(cron);
  await expect(archiveBefore("2027-04")).rejects.toThrow(`${held} of ${bo.tenant.id}: a hold is open`);
  await commit(bo, { holdId: held, units: 20 });
  expect(await archiveBefore("2027-04")).toContain("entries_2027_02");
  const before = await remaining(bo);
  expect(await commit(bo, { holdId: held, units: 20 })).toMatchObject({ replayed: true });
  await expect(commit(bo, { holdId: held, units: 21 })).rejects.toMatchObject({
    code: "IDEMPOTENCY_CONFLICT",
  });
  expect(await remaining(bo)).toEqual(before);
});

test("the late commit of a hold that expired and was archived draws anew, and can be refunded", async () => {
  scene.clock.set("2028-02-10T09:00:00.000Z");
  const cleo = await onCredits("cleo");
  const held = await hold(cleo, 50);
  scene.clock.advance({ days: 1 });
  expect(await consume(cleo, { feature: "compute", units: 600 })).toMatchObject({ allowed: true });
  await refund(cleo, { entryId: await lastEntry(cleo), key: "back", reason: "test" });
  scene.clock.set("2028-04-20T09:00:00.000Z");
  await rollDue(cron);
  await consume(cleo, { feature: "compute", units: 100 });
  await archiveBefore("2028-04");
  expect(await isLive(held)).toBe(null);
  await commit(cleo, { holdId: held, units: 30 });
  expect(await remaining(cleo)).toEqual([270, 300]);
  await refund(cleo, { entryId: await lastEntry(cleo), key: "late", reason: "test" });
  expect(await remaining(cleo)).toEqual([300, 300]);
});

async function lastEntry(ctx: TenantCtx): Promise<string> {
  const [row] = await scene.owner`select id from entries where tenant_id = ${ctx.tenant.id}
    and operation in ('consume', 'commit') order by id desc limit 1`;
  return String(row?.id);
}
