import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inTransaction } from "@/server/db/transaction";
import { TRIAL_DAYS } from "@/server/trials/rules";
import { startTrial, trialStanding } from "@/server/trials/service";
import { spendTrial } from "@/server/trials/spend-trial";
import { world } from "../support/world";
import { newVisitor, outcomes, trialsAddUp, trying, withoutTrial, withTrial } from "./stage";

const scene = await world({ prices: withTrial({ credits: 10 }) });
const { ctx, owner, clock } = scene;
trialsAddUp(scene);

test("a trial begins with its credits, and begins once per visitor", async () => {
  const nobody = newVisitor();
  expect(await trialStanding(ctx, nobody)).toEqual({
    state: "offered",
    granted: 10,
    remaining: 10,
    endsAt: null,
    carriesOver: true,
  });
  const visitor = await trying(ctx);
  const open = { state: "open", granted: 10, remaining: 10, carriesOver: true };
  expect(await trialStanding(ctx, visitor)).toMatchObject(open);
  await spendTrial(ctx, { visitor, units: 4, key: "a" });
  expect(await startTrial(ctx, visitor)).toMatchObject({ cookie: null, standing: { ...open, remaining: 6 } });
});

test("where none is offered, there is nothing to show; who has one keeps it", async () => {
  const visitor = await trying(ctx);
  const without = { ...ctx, prices: withoutTrial() };
  expect(await trialStanding(without, newVisitor())).toBeNull();
  expect(await trialStanding(without, visitor)).toMatchObject({ state: "open", remaining: 10 });
  expect(await spendTrial(without, { visitor, units: 1, key: "a" })).toMatchObject({ remaining: 9 });
});

describe("spending", () => {
  test("takes what was asked for and says what is left", async () => {
    const visitor = await trying(ctx);
    const spend = (units: number, key: string) => spendTrial(ctx, { visitor, units, key });
    expect(await spend(3, "a")).toEqual({ units: 3, remaining: 7, granted: 10, replayed: false });
    expect(await spend(7, "b")).toEqual({ units: 7, remaining: 0, granted: 10, replayed: false });
  });

  test("is all or nothing: what is short says so, and writes nothing", async () => {
    const visitor = await trying(ctx);
    await spendTrial(ctx, { visitor, units: 8, key: "a" });
    await expect(spendTrial(ctx, { visitor, units: 5, key: "b" })).rejects.toMatchObject({
      code: "QUOTA_EXCEEDED",
      denial: { feature: "credits", reason: "no_credits", used: 8, limit: 10, missing: 3, waysOut: [] },
    });
    expect(await trialStanding(ctx, visitor)).toMatchObject({ remaining: 2 });
    expect(await owner`select key from trial_spends where trial_id = ${visitor.trialId}`).toEqual([
      { key: "a" },
    ]);
  });

  test("never takes more than there is, when 50 spend at once", async () => {
    const visitor = await trying(ctx);
    const spends = Array.from({ length: 50 }, (_, at) =>
      spendTrial(ctx, { visitor, units: 1, key: `k${at}` }),
    );
    expect(await outcomes(spends)).toEqual({ done: 10, QUOTA_EXCEEDED: 40 });
    expect(await trialStanding(ctx, visitor)).toMatchObject({ remaining: 0 });
  });

  test("takes once per key, when 20 tell the same at once, and says the same to all", async () => {
    const visitor = await trying(ctx);
    const spends = Array.from({ length: 20 }, () => spendTrial(ctx, { visitor, units: 3, key: "same" }));
    const word = (spent: { remaining: number; replayed: boolean }) =>
      `${spent.remaining} ${spent.replayed ? "replayed" : "spent"}`;
    expect(await outcomes(spends, word)).toEqual({ "7 spent": 1, "7 replayed": 19 });
  });

  test("refuses a key that was used for another amount; another visitor's keys are their own", async () => {
    const [ada, bo] = [await trying(ctx), await trying(ctx)];
    await spendTrial(ctx, { visitor: ada, units: 1, key: "a" });
    await expect(spendTrial(ctx, { visitor: ada, units: 2, key: "a" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
    });
    expect(await spendTrial(ctx, { visitor: bo, units: 2, key: "a" })).toMatchObject({ replayed: false });
  });

  test("goes with the caller's transaction, or not at all", async () => {
    const visitor = await trying(ctx);
    const failing = inTransaction(ctx, async (tx) => {
      await spendTrial({ ...ctx, tx }, { visitor, units: 4, key: "a" });
      throw new Error("the work failed");
    });
    await expect(failing).rejects.toThrow("the work failed");
    expect(await trialStanding(ctx, visitor)).toMatchObject({ remaining: 10 });
    expect(await spendTrial(ctx, { visitor, units: 4, key: "a" })).toMatchObject({ replayed: false });
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53, "1"])("of %j credits is refused", async (units) => {
    const visitor = await trying(ctx);
    const spend = spendTrial(ctx, { visitor, units: units as number, key: "a" });
    await expect(spend).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  test.each(["", " ", "a b", "ä", "x".repeat(201)])("by the key %j is refused", async (key) => {
    const visitor = await trying(ctx);
    const spend = spendTrial(ctx, { visitor, units: 1, key });
    await expect(spend).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  test("needs a trial that was begun and is not over", async () => {
    const visitor = await trying(ctx);
    await expect(spendTrial(ctx, { visitor: newVisitor(), units: 1, key: "a" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    const unknown = { ...newVisitor(), trialId: "vis_00000000000000000000000000" };
    await expect(spendTrial(ctx, { visitor: unknown, units: 1, key: "a" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await spendTrial(ctx, { visitor, units: 1, key: "early" });
    clock.advance({ days: TRIAL_DAYS });
    await expect(spendTrial(ctx, { visitor, units: 1, key: "late" })).rejects.toMatchObject({
      code: "QUOTA_EXCEEDED",
      message: "Your trial is over.",
      denial: { reason: "no_credits" },
    });
    expect(await spendTrial(ctx, { visitor, units: 1, key: "early" })).toMatchObject({ replayed: true });
    expect(await trialStanding(ctx, visitor)).toMatchObject({ state: "over", remaining: 0 });
  });

  test("in any order, with any repeats, takes each key once and never more than there is", async () => {
    const call = fc.record({
      units: fc.integer({ min: 1, max: 5 }),
      key: fc.constantFrom("a", "b", "c", "d"),
    });
    let at = 0;
    const history = fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
      at += 1;
      const visitor = await trying(ctx, [`history ${at}`]);
      const taken = new Map<string, number>();
      let left = 10;
      for (const { units, key } of calls) {
        const known = taken.get(key);
        const expected =
          known === undefined
            ? units <= left
              ? "done"
              : "QUOTA_EXCEEDED"
            : known === units
              ? "done"
              : "IDEMPOTENCY_CONFLICT";
        expect(await outcomes([spendTrial(ctx, { visitor, units, key })])).toEqual({ [expected]: 1 });
        if (known === undefined && units <= left) {
          taken.set(key, units);
          left -= units;
        }
        expect(await trialStanding(ctx, visitor)).toMatchObject({ remaining: left });
      }
    });
    await fc.assert(history, { numRuns: 40 });
  });
});
