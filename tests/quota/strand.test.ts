import { world } from "@tests/support/world";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { prices } from "@/config/plans";
import { newId } from "@/lib/ids";
import { createCtx, type TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { openDatabase, type Tx } from "@/server/db/client";
import { inTenant, inTransaction } from "@/server/db/transaction";
import { verifyBooks } from "@/server/ledger/books";
import { commit } from "@/server/quota/commit";
import { sweepHolds } from "@/server/quota/jobs";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";

const { tenant, clock, ctx, appUrl, owner } = await world({ poolSize: 20 });
const RACES = 1_000;
/** Each takes two connections at once. */
const AT_ONCE = 8;
const USED = 20;
/** So often does the week's allowance of 100 cover a race. */
const RACES_A_WEEK = 4;

const hold = async (ada: TenantCtx, units: number) =>
  (await reserve(ada, { feature: "compute", units, expiresInSeconds: 60, overflow: "cap" })) as Reserved;
const usedOf = async (ada: TenantCtx) =>
  (await status(ada)).meters.find((meter) => meter.feature === "compute")!.used;
/** What the sweeper does with one meter. */
const sweepIn = (tx: Tx, ada: TenantCtx) =>
  tx.execute(
    sql`select gate_sweep(${clock.now().toISOString()}::timestamptz, ${ada.tenant.id}, 'compute', ${newId("entry", clock.now())}, 'cron:reset', 1000)`,
  );

test("a process that dies holding reservations keeps nothing: its units are free when they expire", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 20, kind: "purchase", source: "payment:1" });
  const doomed = openDatabase(appUrl);
  const process = { ...createCtx({ ...ctx, db: doomed, prices }, ctx.actor), tenant: ada.tenant };
  for (const units of [40, 40, 40]) expect((await hold(process, units)).allowed).toBe(true);
  await doomed.close();
  expect(await reserve(ada, { feature: "compute", units: 1 })).toMatchObject({ allowed: false });
  clock.advance({ seconds: 61 });
  expect(await hold(ada, 120)).toMatchObject({ allowed: true, drawn: { allowance: 100, credits: 20 } });
  clock.advance({ seconds: 61 });
  expect(await sweepHolds(ctx)).toEqual({ expiredHolds: 1 });
  expect(await usedOf(ada)).toBe(0);
  expect((await balance(ada)).available).toBe(20);
});

/** The sweeper and a late commit: two open transactions that send in the same moment, each in turn a little earlier. */
async function raceOnce(ada: TenantCtx, holdId: string, commitIsFirst: boolean): Promise<void> {
  let [go, waiting] = [() => {}, 2];
  const started = new Promise<void>((resolve) => {
    go = resolve;
  });
  const arrive = () => {
    waiting -= 1;
    if (waiting === 0) go();
  };
  const late = () =>
    inTenant(ada, async (_tx, inner) => {
      arrive();
      await started;
      return commit(inner, { holdId, units: USED });
    });
  const sweeping = () =>
    inTransaction(ctx, async (tx) => {
      arrive();
      await started;
      await sweepIn(tx, ada);
    });
  const settled = await (commitIsFirst
    ? Promise.all([late(), sweeping()]).then(([one]) => one)
    : Promise.all([sweeping(), late()]).then(([, one]) => one));
  expect(settled).toMatchObject({ units: USED, charged: USED, uncharged: 0, replayed: false });
}

/** Who was quicker, as the chains tell: the sweeper gives all back, and then the commit draws anew. */
async function winners(): Promise<{ sweeper: number; commit: number; usage: number }> {
  const [row] = await owner`
    select count(*) filter (where swept)::int as sweeper, count(*) filter (where not swept)::int as commit, sum(units)::int as usage
    from (select c.units, exists (select from entries e where e.parent_id = c.parent_id and e.reason = 'expired') as swept
          from entries c where c.operation = 'commit') races`;
  return row as unknown as { sweeper: number; commit: number; usage: number };
}

test(`${RACES} times a late commit races the sweeper: the usage is recorded once, and the books balance each time`, {
  timeout: 240_000,
}, async () => {
  const racers = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => tenant(`racer${n}`)));
  for (let round = 0; round < RACES / AT_ONCE; round += 1) {
    if (round % RACES_A_WEEK === 0) clock.advance({ days: 8 });
    const held = await Promise.all(racers.map((ada) => hold(ada, 30)));
    clock.advance({ seconds: 61 });
    const races = racers.map((ada, n) => raceOnce(ada, held[n]!.holdId, (round + n) % 2 === 0));
    await Promise.all(races);
    expect(await sweepHolds(ctx)).toEqual({ expiredHolds: 0 });
    expect(await verifyBooks(ctx)).toEqual([]);
    const used = await Promise.all(racers.map(usedOf));
    expect(new Set(used)).toEqual(new Set([USED * ((round % RACES_A_WEEK) + 1)]));
  }
  const { sweeper, commit: inTime, usage } = await winners();
  expect({ races: sweeper + inTime, usage }).toEqual({ races: RACES, usage: RACES * USED });
  // A race that the same one always wins is none.
  expect(Math.min(sweeper, inTime)).toBeGreaterThan(RACES / 10);
});

test("release, commit and sweep of an expired hold at once: it is settled once, and charged when the commit was let through", async () => {
  const bo = await tenant("bo");
  let used = 0;
  for (let round = 0; round < 40; round += 1) {
    const { holdId } = await hold(bo, 2);
    clock.advance({ seconds: 61 });
    const ways = [
      () => releaseHold(bo, { holdId }),
      () => commit(bo, { holdId, units: 1 }),
      () => inTransaction(ctx, (tx) => sweepIn(tx, bo)),
      () => releaseHold(bo, { holdId }),
    ];
    const turned = [...ways.slice(round % 4), ...ways.slice(0, round % 4)];
    const ends = await Promise.allSettled(turned.map((way) => way()));
    const charged = ends[(5 - (round % 4)) % 4]!.status === "fulfilled";
    used += charged ? 1 : 0;
    const [left] = await owner`select status from holds where id = ${holdId}`;
    expect({ round, status: left!.status, used: await usedOf(bo) }).toEqual({
      round,
      status: charged ? "committed" : "released",
      used,
    });
    const refusals = ends.flatMap((end) => (end.status === "rejected" ? [end.reason.code] : []));
    expect(refusals.every((code) => code === "CONFLICT")).toBe(true);
  }
});
