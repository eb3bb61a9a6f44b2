import { describe, expect, test } from "vitest";
import { jobNamed } from "@/server/jobs";
import { verifyBooks } from "@/server/ledger/books";
import { heartbeat, releaseLease, sweepLeases } from "@/server/quota/leases";
import { status } from "@/server/quota/status";
import { leaseStage } from "./lease-stage";

const { tenant, owner, clock, ctx, acquire, start, rows, at } = await leaseStage();

describe("heartbeats and ends", () => {
  test("a heartbeat gives a lease its whole length again, however often it comes", async () => {
    const ada = await tenant("ada");
    const { leaseId } = await start(ada, { expiresInSeconds: 86_400 });
    for (const hours of [23, 23, 1]) {
      clock.advance({ hours });
      expect(await heartbeat(ada, { leaseId })).toMatchObject({
        heartbeatAt: clock.now(),
        expiresAt: at(86_400),
      });
    }
    await heartbeat(ada, { leaseId });
    expect((await status(ada)).meters[0]).toMatchObject({ feature: "sessions", used: 1 });
  });

  test("no heartbeat brings back what expired, was released, or was never there", async () => {
    const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
    const [missed, released] = [await start(bo), await start(bo, { expiresInSeconds: 600 })];
    await releaseLease(bo, { leaseId: released.leaseId });
    clock.advance({ seconds: 60 });
    for (const { leaseId } of [missed, released])
      await expect(heartbeat(bo, { leaseId })).rejects.toMatchObject({ code: "CONFLICT" });
    for (const leaseId of [missed.leaseId, "lea_nothing"]) {
      await expect(heartbeat(cleo, { leaseId })).rejects.toMatchObject({ code: "NOT_FOUND" });
      await expect(releaseLease(cleo, { leaseId })).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
  });

  test("a release says how it ended, again and again, and frees one place once", async () => {
    const dan = await tenant("dan");
    const [ran, missed] = [await start(dan, { expiresInSeconds: 600 }), await start(dan)];
    clock.advance({ seconds: 10 });
    const endedAt = clock.now();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => releaseLease(dan, { leaseId: ran.leaseId })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    clock.advance({ seconds: 600 });
    expect(await releaseLease(dan, { leaseId: ran.leaseId })).toMatchObject({
      endedAt,
      endedBecause: "released",
    });
    expect(await releaseLease(dan, { leaseId: missed.leaseId })).toMatchObject({
      endedAt: missed.expiresAt,
      endedBecause: "expired",
    });
  });

  test("a place that was given away is gone, also for a server whose clock lags", async () => {
    const eve = await tenant("eve");
    await start(eve, { expiresInSeconds: 600 });
    const { leaseId } = await start(eve);
    const lagging = { ...eve, now: () => at(0) };
    const before = clock.now();
    clock.advance({ seconds: 60 });
    lagging.now = () => before;
    expect(await acquire(eve)).toMatchObject({ allowed: true });
    await expect(heartbeat(lagging, { leaseId })).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await rows(eve)).toMatchObject([
      { ended_at: null },
      { ended_because: "expired" },
      { ended_at: null },
    ]);
  });

  test("a late heartbeat and whoever wants the place: one of them gets it, never both", async () => {
    const flo = await tenant("flo");
    await start(flo, { expiresInSeconds: 86_400 });
    const won = { heartbeat: 0, start: 0 };
    for (let round = 0; round < 40; round += 1) {
      const { leaseId } = await start(flo);
      const justInTime = at(59);
      const lagging = { ...flo, now: () => justInTime };
      clock.advance({ seconds: 60 });
      const beats = () => heartbeat(lagging, { leaseId }).catch((error: { code: string }) => error.code);
      const early = round % 2 === 0 ? beats() : null;
      const [other, beat] = await Promise.all([acquire(flo), early ?? beats()]);
      expect(beat === "CONFLICT").toBe(other.allowed);
      won[other.allowed ? "start" : "heartbeat"] += 1;
      await releaseLease(flo, { leaseId });
      if (other.allowed) await releaseLease(flo, { leaseId: other.leaseId });
      clock.advance({ seconds: 120 });
    }
    expect(won.start + won.heartbeat).toBe(40);
  });

  test("a clock that steps back neither shortens a lease nor ends it before it began", async () => {
    const gil = await tenant("gil");
    const { leaseId, startedAt, expiresAt } = await start(gil);
    const back = { ...gil, now: () => new Date(startedAt.getTime() - 3_600_000) };
    expect(await heartbeat(back, { leaseId })).toMatchObject({ heartbeatAt: startedAt, expiresAt });
    expect(await releaseLease(back, { leaseId })).toMatchObject({ endedAt: startedAt });
  });
});

describe("housekeeping", () => {
  test("the sweeper writes down when leases ended, once, however many runners there are", async () => {
    const [ada, bo] = [await tenant("ada"), await tenant("bo")];
    clock.advance({ days: 2 });
    await sweepLeases(ctx);
    const missed = [await start(ada), await start(bo)];
    const kept = await start(ada, { expiresInSeconds: 600 });
    clock.advance({ minutes: 5 });
    const runs = await Promise.all([sweepLeases(ctx), sweepLeases(ctx), jobNamed("reset")!(ctx)]);
    expect(runs.reduce((sum, { leasesEnded = 0 }) => sum + leasesEnded, 0)).toBe(2);
    expect(await sweepLeases(ctx)).toEqual({ leasesEnded: 0 });
    expect(await rows(bo)).toMatchObject([
      { ended_at: missed[1]!.expiresAt, ended_because: "expired", expires_at: missed[1]!.expiresAt },
    ]);
    expect(await rows(ada)).toMatchObject([
      { ended_at: missed[0]!.expiresAt },
      { id: kept.leaseId, ended_at: null },
    ]);
  });

  test("the books find a lease too many, an end that says nothing, and instants in disorder", async () => {
    const dan = await tenant("dan");
    await Promise.all([start(dan), start(dan)]);
    const found = async () => (await verifyBooks(ctx)).map(({ invariant }) => invariant);
    const plant = (row: Record<string, unknown>) =>
      owner`insert into leases ${owner({ tenant_id: dan.tenant.id, id: "lea_planted", feature: "sessions", idempotency_key: "planted", started_at: at(1), heartbeat_at: at(1), expires_at: at(9), plan_version: "free@1", actor: "test", ...row })}`;
    const remove = () => owner`delete from leases where id = 'lea_planted'`;
    await plant({});
    expect(await found()).toEqual(["lease: let in within the limit"]);
    await remove();
    for (const row of [
      { ended_at: at(2) },
      { ended_at: at(2), ended_because: "expired" },
      { ended_at: at(20), ended_because: "released" },
      { started_at: at(5), ended_at: at(9), ended_because: "expired" },
    ]) {
      await plant(row);
      expect(await found()).toEqual(["lease: its instants follow each other"]);
      await remove();
    }
    await plant({ feature: "hours", ended_at: at(9), ended_because: "expired" });
    expect(await found()).toEqual(["lease: its feature is one"]);
    await remove();
  });
});
