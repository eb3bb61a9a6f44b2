import { sharedCredits } from "@tests/support/shared-credits";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { newId } from "@/lib/ids";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { check } from "@/server/quota/check";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { sweepHolds } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";

const { tenant, clock, ctx, owner } = await world({ prices: sharedCredits({ compute: 100, images: 10 }) });
const reason = "it failed";
const DAY = 86_400;

const hold = async (ada: TenantCtx, units: number, expiresInSeconds = 60, feature = "compute") =>
  (await reserve(ada, { feature, units, expiresInSeconds, overflow: "cap" })) as Reserved;
const buy = (ada: TenantCtx, amount: number, payment: number) =>
  grantCredits(ada, { amount, kind: "purchase", source: `payment:${payment}` });

test("50 reservations with one key at once make one hold", async () => {
  const ada = await tenant("ada");
  const asked = { feature: "compute", units: 30, key: "job-1" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => reserve(ada, asked)));
  expect(new Set(answers.map((answer) => answer.allowed && answer.holdId)).size).toBe(1);
  expect(answers.filter((answer) => answer.allowed && !answer.replayed)).toHaveLength(1);
  const [holds] =
    await owner`select count(*)::int as n, sum(units)::int as units from holds where tenant_id = ${ada.tenant.id}`;
  expect(holds).toEqual({ n: 1, units: 30 });
});

test.each([
  ["no time at all", { expiresInSeconds: 0 }],
  ["more than a day", { expiresInSeconds: DAY + 1 }],
  ["part of a second", { expiresInSeconds: 1.5 }],
  ["nothing", { units: 0 }],
  ["part of a unit", { units: 0.5 }],
])("a hold for %s is refused", async (_name, wrong) => {
  const ada = await tenant("ada");
  await expect(reserve(ada, { feature: "compute", units: 1, ...wrong })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
});

test("a reservation that does not fit sets nothing aside", async () => {
  const ada = await tenant("ada");
  await buy(ada, 5, 1);
  expect(await hold(ada, 106)).toMatchObject({ allowed: false, reason: "no_credits", missing: 1 });
  expect((await balance(ada)).available).toBe(5);
  expect(await hold(ada, 105)).toMatchObject({ allowed: true, drawn: { allowance: 100, credits: 5 } });
});

test("a charge that reaches over two windows goes back to both, and a replay says the same", async () => {
  const ada = await tenant("ada");
  const { lotId } = await buy(ada, 60, 1);
  clock.advance({ days: 6, hours: 23 });
  const { holdId } = await hold(ada, 130, DAY);
  clock.advance({ hours: 2 });
  expect(await commit(ada, { holdId, units: 250 })).toMatchObject({
    charged: 250,
    drawn: { allowance: 100, credits: 20, lots: [{ lotId, units: 20 }] },
  });
  const ask = { entryId: holdId, key: "all", reason };
  const refunded = await refund(ada, ask);
  expect(refunded).toMatchObject({
    units: 250,
    lapsed: 100,
    used: 0,
    returned: { allowance: 200, credits: 50, lots: [{ lotId, units: 50 }] },
  });
  expect((await balance(ada)).available).toBe(60);
  expect(await refund(ada, ask)).toEqual({ ...refunded, replayed: true });
});

test("what lapses because its lot is over is told by each way of giving back, also when it is asked again", async () => {
  const ada = await tenant("ada");
  const expiresAt = new Date(clock.now().getTime() + 3_600_000);
  const promo = { unit: "compute", amount: 30, kind: "promo" as const, source: "promo:1", expiresAt };
  await grantCredits(ada, promo);
  const [released, committed] = [await hold(ada, 110, DAY), await hold(ada, 20, DAY)];
  clock.advance({ hours: 1 });
  const given = await releaseHold(ada, { holdId: released.holdId });
  expect(given).toMatchObject({ lapsed: 10, returned: { allowance: 100 } });
  expect(await releaseHold(ada, { holdId: released.holdId })).toEqual({ ...given, replayed: true });
  const settled = await commit(ada, { holdId: committed.holdId, units: 5 });
  expect(settled).toMatchObject({ charged: 5, lapsed: 15 });
  expect(await commit(ada, { holdId: committed.holdId, units: 5 })).toEqual({ ...settled, replayed: true });
  expect((await balance(ada, { unit: "compute" })).available).toBe(0);
});

test("what was only set aside is not refunded but released", async () => {
  const ada = await tenant("ada");
  const { holdId } = await hold(ada, 5);
  await expect(refund(ada, { entryId: holdId, key: "early", reason })).rejects.toMatchObject({
    code: "CONFLICT",
    message: "Nothing of this hold was charged.",
  });
});

test("what an abandoned hold kept is drawn before anything is paid for: alone, in a batch, by a hold and by a commit above its own", async () => {
  const ada = await tenant("ada");
  await buy(ada, 100, 1);
  const mine = await hold(ada, 10, DAY);
  await hold(ada, 90);
  clock.advance({ minutes: 2 });
  expect(await check(ada, { feature: "compute", units: 20 })).toMatchObject(ofAllowance(20));
  expect(await openHolds(ada)).toBe(2);
  const settled = await commit(ada, { holdId: mine.holdId, units: 30 });
  expect(settled).toMatchObject({ charged: 30, drawn: { allowance: 20, credits: 0 } });
  await hold(ada, 70);
  clock.advance({ minutes: 2 });
  expect(await consume(ada, { feature: "compute", units: 10 })).toMatchObject(ofAllowance(10));
  await hold(ada, 60);
  clock.advance({ minutes: 2 });
  const batch = Array.from({ length: 20 }, () => consume(ada, { feature: "compute" }));
  for (const receipt of await Promise.all(batch)) expect(receipt).toMatchObject(ofAllowance(1));
  await hold(ada, 40);
  clock.advance({ minutes: 2 });
  expect(await hold(ada, 40)).toMatchObject(ofAllowance(40));
  expect((await balance(ada)).available).toBe(100);
});

const ofAllowance = (units: number) => ({ allowed: true, drawn: { allowance: units, credits: 0 } });

test("two meters that give back to the same lots and draw on them never wait for each other in a circle", async () => {
  const ada = await tenant("ada");
  for (let payment = 1; payment <= 8; payment += 1) await buy(ada, 10, payment);
  const before = await deadlocks();
  const work = async (feature: string) => {
    const filler = await hold(ada, feature === "compute" ? 100 : 10, DAY, feature);
    for (let round = 0; round < 150; round += 1) {
      const held = await hold(ada, 25, 60, feature);
      if (!held.allowed) continue;
      await commit(ada, { holdId: held.holdId, units: (round % 12) + 1 });
      await refund(ada, { entryId: held.holdId, key: `${feature}-${round}`, reason });
    }
    await releaseHold(ada, { holdId: filler.holdId });
  };
  await Promise.all([work("compute"), work("images")]);
  expect(await deadlocks()).toBe(before);
  expect((await balance(ada)).available).toBe(80);
});

async function deadlocks(): Promise<number> {
  const [row] =
    await owner`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
  return row!.n;
}

async function openHolds(ada: TenantCtx): Promise<number> {
  const [row] = await owner`
    select count(*)::int as count from holds where tenant_id = ${ada.tenant.id} and status = 'open'`;
  return Number(row!.count);
}

/** As a process leaves them that reserved one unit after the other and died: in one stroke, since it takes its time. */
async function abandon(ada: TenantCtx, many: number, lotId: string): Promise<void> {
  const [id, now] = [ada.tenant.id, clock.now().toISOString()];
  await owner.begin(async (tx) => {
    await tx`insert into entries (tenant_id, id, operation, feature, units, lot_units, beyond_units, lot_ids, lot_draws, used_after, granted_after,
        window_starts_at, window_ends_at, plan_version, actor, created_at)
      select ${id}, 'ent_' || lpad(n::text, 26, '0'), 'hold', m.feature, 1, 1, 1, array[${lotId}], array[1], 0, m.granted,
        m.window_starts_at, m.window_ends_at, m.plan_version, 'test', ${now}
      from meters m, generate_series(1, ${many}) n where m.tenant_id = ${id} and m.feature = 'compute'`;
    await tx`insert into holds (tenant_id, id, feature, units, status, overflow, expires_at, created_at)
      select tenant_id, id, feature, 1, 'open', 'reject', ${now}::timestamptz + interval '1 minute', ${now} from entries
      where tenant_id = ${id} and operation = 'hold'`;
    await tx`update meters set beyond = beyond + ${many} where tenant_id = ${id} and feature = 'compute'`;
    await tx`update lots set remaining = 0, closed_at = ${now} where id = ${lotId}`;
  });
}

test("cron takes abandoned holds a thousand a step, so that none of its statements takes too long", async () => {
  const ada = await tenant("ada");
  const many = 2_050;
  const bought = { unit: "compute", amount: many, kind: "purchase" as const, source: "payment:1" };
  const { lotId } = await grantCredits(ada, bought);
  await abandon(ada, many, lotId);
  clock.advance({ minutes: 2 });
  const at = clock.now();
  await owner`select gate_sweep(${at}, ${ada.tenant.id}, 'compute', ${newId("entry", at)}, 'test', 1000)`;
  expect(await openHolds(ada)).toBe(1_050);
  await sweepHolds(ctx);
  expect(await openHolds(ada)).toBe(0);
});

test("however many holds were abandoned, the call that needs their units gets them", async () => {
  const ada = await tenant("ada");
  const many = 2_050;
  const bought = { unit: "compute", amount: many, kind: "purchase" as const, source: "payment:1" };
  const { lotId } = await grantCredits(ada, bought);
  await abandon(ada, many, lotId);
  expect(await hold(ada, many)).toMatchObject({ allowed: false });
  clock.advance({ minutes: 2 });
  expect(await hold(ada, 101)).toMatchObject({ allowed: true, drawn: { lots: [{ units: 1 }] } });
  expect(await openHolds(ada)).toBe(1 + many - 500);
  expect(await hold(ada, many - 1)).toMatchObject({ allowed: true, drawn: { lots: [{ units: many - 1 }] } });
  expect(await openHolds(ada)).toBe(2);
});
