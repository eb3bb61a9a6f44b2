import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { prices } from "@/config/plans";
import { createCtx, type TenantCtx } from "@/server/context";
import { balance, grantCredits } from "@/server/credits/service";
import { openDatabase } from "@/server/db/client";
import { verifyBooks } from "@/server/ledger/books";
import { commit } from "@/server/quota/commit";
import { sweepHolds } from "@/server/quota/jobs";
import { releaseHold } from "@/server/quota/release-hold";
import { type Reserved, reserve } from "@/server/quota/reserve";
import { status } from "@/server/quota/status";

const { tenant, clock, ctx, appUrl, owner } = await world({ poolSize: 20 });
const RACES = 1_000;
const AT_ONCE = 25;

const hold = async (ada: TenantCtx, units: number) =>
  (await reserve(ada, { feature: "compute", units, expiresInSeconds: 60, overflow: "cap" })) as Reserved;
const usedOf = async (ada: TenantCtx) =>
  (await status(ada)).meters.find((meter) => meter.feature === "compute")!.used;

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

/** What a race may end in: exactly one of the two won, and the usage is recorded in any case. */
async function raceOnce(ada: TenantCtx, round: number): Promise<void> {
  const held = await hold(ada, 30);
  clock.advance({ seconds: 61 });
  const sweep = () => sweepHolds(ctx);
  const late = () => commit(ada, { holdId: held.holdId, units: 20 });
  const [settled] =
    round % 2 === 0
      ? await Promise.all([late(), sweep(), sweep()])
      : await Promise.all([sweep(), sweep()]).then(async () => [await late()]);
  expect(settled).toMatchObject({ units: 20, charged: 20, uncharged: 0 });
}

test(`${RACES} times a late commit races the sweeper: the usage is recorded once, and the books balance each time`, {
  timeout: 240_000,
}, async () => {
  const racers = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => tenant(`racer${n}`)));
  for (let round = 0; round < RACES / AT_ONCE; round += 1) {
    await Promise.all(racers.map((ada) => raceOnce(ada, round)));
    expect(await verifyBooks(ctx)).toEqual([]);
    await Promise.all(
      racers.map(async (ada) => {
        const used = await usedOf(ada);
        expect(used % 20).toBe(0);
        if (used >= 60) clock.advance({ days: 8 });
      }),
    );
  }
  const [commits] =
    await owner`select count(*)::int as n, sum(units)::int as units from entries where operation = 'commit'`;
  expect(commits).toEqual({ n: RACES, units: RACES * 20 });
});

test("release, commit and sweep at once: one of them settles the hold", async () => {
  const bo = await tenant("bo");
  for (let round = 0; round < 40; round += 1) {
    const { holdId } = await hold(bo, 2);
    const ends = await Promise.allSettled([
      releaseHold(bo, { holdId }),
      commit(bo, { holdId, units: 1 }),
      releaseHold(bo, { holdId }),
    ]);
    const committed = ends[1]!.status === "fulfilled";
    expect(ends.map((end) => end.status)).toEqual(
      committed ? ["rejected", "fulfilled", "rejected"] : ["fulfilled", "rejected", "fulfilled"],
    );
  }
});
