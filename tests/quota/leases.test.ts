import { overlapping } from "@tests/support/interleave";
import { describe, expect, test } from "vitest";
import { inTenant } from "@/server/db/transaction";
import { block } from "@/server/entitlements/block";
import { setOverride } from "@/server/entitlements/override";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { heartbeat, releaseLease } from "@/server/quota/leases";
import { status } from "@/server/quota/status";
import { leaseStage } from "./lease-stage";

const { tenant, owner, clock, acquire, start, rows, at, putOn } = await leaseStage();

describe("how many run at once", () => {
  test("of 30 that want to start at the same time, exactly as many start as the plan lets run", async () => {
    const ada = await tenant("ada");
    const answers = await Promise.all(Array.from({ length: 30 }, () => acquire(ada)));
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(2);
    expect(answers.find((answer) => !answer.allowed)).toMatchObject({
      reason: "quota",
      feature: "sessions",
      used: 2,
      limit: 2,
      missing: 1,
      resetsAt: null,
      upgradeTo: "pro",
    });
    expect(await rows(ada)).toHaveLength(2);
  });

  test("who asks while another start is about to commit waits for it, and counts it", async () => {
    const ada = await tenant("ada");
    await start(ada);
    const [first, second] = await overlapping(
      { owner },
      ada,
      (inner) => acquire(inner),
      () => acquire(ada),
    );
    expect(first).toMatchObject({ allowed: true, used: 2 });
    expect(second).toMatchObject({ allowed: false, used: 2 });
  });

  test("the answer counts the new one, and says until when it lives without a heartbeat", async () => {
    const bo = await tenant("bo");
    expect(await acquire(bo)).toMatchObject({
      allowed: true,
      replayed: false,
      used: 1,
      limit: 2,
      remaining: 1,
      startedAt: clock.now(),
      expiresAt: at(60),
      endedAt: null,
      planVersion: "free@1",
    });
    expect(await acquire(bo, { expiresInSeconds: 5 })).toMatchObject({ used: 2, expiresAt: at(5) });
  });

  test("one that missed its heartbeat stops counting the instant it expires, with no help from cron", async () => {
    const cleo = await tenant("cleo");
    await Promise.all([start(cleo), start(cleo, { expiresInSeconds: 90 })]);
    clock.advance({ seconds: 59 });
    expect(await acquire(cleo)).toMatchObject({ allowed: false, used: 2 });
    expect((await status(cleo)).meters[0]).toMatchObject({ feature: "sessions", used: 2, remaining: 0 });
    expect(await check(cleo, { feature: "sessions" })).toMatchObject({ allowed: false, used: 2, limit: 2 });
    clock.advance({ seconds: 1 });
    expect(await check(cleo, { feature: "sessions" })).toMatchObject({ allowed: true, limit: 2 });
    expect((await status(cleo)).meters[0]).toMatchObject({ used: 1, remaining: 1 });
    expect(await acquire(cleo)).toMatchObject({ allowed: true, used: 2 });
  });

  test("a place is free again when its lease is released", async () => {
    const dan = await tenant("dan");
    const lease = await start(dan);
    await start(dan);
    expect(await acquire(dan)).toMatchObject({ allowed: false });
    const released = await releaseLease(dan, { leaseId: lease.leaseId });
    expect(released).toMatchObject({ endedAt: clock.now(), endedBecause: "released" });
    expect(await acquire(dan)).toMatchObject({ allowed: true, used: 2 });
  });

  test("limits of 0 and without a limit", async () => {
    const eve = await tenant("eve");
    expect(await acquire(eve, { feature: "gpus" })).toMatchObject({
      allowed: false,
      reason: "quota",
      limit: 0,
      upgradeTo: "pro",
    });
    await putOn(eve, "pro");
    const many = await Promise.all(Array.from({ length: 12 }, () => acquire(eve, { feature: "gpus" })));
    expect(many.every((answer) => answer.allowed && answer.limit === null)).toBe(true);
  });

  test("a smaller plan ends nothing that runs, and starts nothing until there is room again", async () => {
    const flo = await tenant("flo");
    await putOn(flo, "pro");
    const running = await Promise.all([start(flo), start(flo), start(flo)]);
    await putOn(flo, "free");
    expect(await heartbeat(flo, { leaseId: running[2]!.leaseId })).toMatchObject({ endedAt: null });
    expect(await acquire(flo)).toMatchObject({ allowed: false, used: 3, limit: 2 });
    await releaseLease(flo, { leaseId: running[0]!.leaseId });
    expect(await acquire(flo)).toMatchObject({ allowed: false, used: 2, limit: 2 });
    await releaseLease(flo, { leaseId: running[1]!.leaseId });
    expect(await acquire(flo)).toMatchObject({ allowed: true, used: 2 });
  });

  test("a tenant's own limit holds at once, and ends the instant it is over", async () => {
    const gil = await tenant("gil");
    await setOverride(gil, { feature: "sessions", limit: 3, reason: "a fair", expiresAt: at(50) });
    await Promise.all([start(gil), start(gil), start(gil)]);
    expect(await acquire(gil)).toMatchObject({ allowed: false, limit: 3 });
    clock.advance({ seconds: 50 });
    expect(await acquire(gil)).toMatchObject({ allowed: false, used: 3, limit: 2 });
  });

  test("a limit that warns lets more run and says so; one that asks wants a yes", async () => {
    const hal = await tenant("hal");
    const rule = (onLimit: string) =>
      owner`update meters set on_limit = ${onLimit} where tenant_id = ${hal.tenant.id} and feature = 'sessions'`;
    await Promise.all([start(hal), start(hal)]);
    await rule("warn");
    expect(await acquire(hal)).toMatchObject({ allowed: true, used: 3, remaining: 0, warning: "over_limit" });
    await rule("prompt");
    expect(await acquire(hal)).toMatchObject({ allowed: false, reason: "confirm", missing: 1 });
    expect(await acquire(hal, { confirmed: true })).toMatchObject({ allowed: true, used: 4 });
  });

  test("a blocked account starts nothing, but what runs beats on and can be released", async () => {
    const ida = await tenant("ida");
    const lease = await start(ida);
    await block(ida, { reason: "past_due" });
    expect(await acquire(ida)).toMatchObject({
      allowed: false,
      reason: "blocked",
      blockedBecause: "past_due",
    });
    clock.advance({ seconds: 30 });
    expect(await heartbeat(ida, { leaseId: lease.leaseId })).toMatchObject({ expiresAt: at(60) });
    expect(await releaseLease(ida, { leaseId: lease.leaseId })).toMatchObject({ endedBecause: "released" });
  });

  test("a start inside a product transaction that rolls back never happened", async () => {
    const jo = await tenant("jo");
    await expect(
      inTenant(jo, async (_tx, inner) => {
        await start(inner);
        throw new Error("the product changed its mind");
      }),
    ).rejects.toThrow("changed its mind");
    expect(await rows(jo)).toEqual([]);
    expect(await acquire(jo)).toMatchObject({ used: 1 });
  });
});

describe("keys", () => {
  test("the same key 30 times at once starts one, and everybody gets that one", async () => {
    const ada = await tenant("ada");
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => acquire(ada, { key: "job-1", properties: { job: 1 } })),
    );
    expect(new Set(answers.map((answer) => answer.allowed && answer.leaseId)).size).toBe(1);
    expect(answers.filter((answer) => answer.allowed && !answer.replayed)).toHaveLength(1);
    expect(await rows(ada)).toHaveLength(1);
  });

  test("a key's lease comes back as it is: running past a full house, or ended", async () => {
    const bo = await tenant("bo");
    const { leaseId, expiresAt } = await start(bo, { key: "job-1" });
    await start(bo);
    expect(await acquire(bo, { key: "job-1" })).toMatchObject({ replayed: true, leaseId, endedAt: null });
    clock.advance({ seconds: 60 });
    expect(await acquire(bo, { key: "job-1" })).toMatchObject({
      replayed: true,
      leaseId,
      endedAt: expiresAt,
      endedBecause: "expired",
    });
    expect(await rows(bo)).toHaveLength(2);
  });

  test("a key for something else is a conflict, also when both come at once", async () => {
    const cleo = await tenant("cleo");
    await putOn(cleo, "pro");
    await start(cleo, { key: "job-1", properties: { size: "small" } });
    for (const other of [
      { feature: "gpus", properties: { size: "small" } },
      { properties: { size: "large" } },
      {},
    ])
      await expect(acquire(cleo, { key: "job-1", ...other })).rejects.toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
      });
    const both = await Promise.allSettled([
      acquire(cleo, { key: "both" }),
      acquire(cleo, { key: "both", feature: "gpus" }),
    ]);
    expect(both.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await rows(cleo)).toHaveLength(2);
  });

  test("asked again while it is released, it is shown and counted as of one moment", async () => {
    const dora = await tenant("dora");
    for (let round = 0; round < 150; round += 1) {
      const { leaseId } = await start(dora, { key: `round-${round}` });
      const [again] = await Promise.all([
        acquire(dora, { key: `round-${round}` }),
        releaseLease(dora, { leaseId }),
      ]);
      expect(again).toMatchObject(
        again.allowed && again.endedBecause ? { endedBecause: "released", used: 0 } : { used: 1 },
      );
    }
  });

  test("only leases are acquired, and leases are not consumed", async () => {
    const cleo = await tenant("cleo");
    await expect(acquire(cleo, { feature: "hours" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(acquire(cleo, { feature: "other" })).rejects.toMatchObject({ code: "UNKNOWN_FEATURE" });
    await expect(acquire(cleo, { expiresInSeconds: 0 })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(consume(cleo, { feature: "sessions" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });
});
