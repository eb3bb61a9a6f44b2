import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance, grantCredits } from "@/server/credits/service";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { status } from "@/server/quota/status";
import { Model } from "./model";

const { tenant, clock } = await world();
const RUNS = 150;
const WEEK_MS = 7 * 86_400_000;
const PRIORITY = { promo: 30, compensation: 40, purchase: 60 } as const;

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("consume" as const),
      units: fc.integer({ min: 1, max: 70 }),
      key: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("burst" as const),
      units: fc.integer({ min: 1, max: 20 }),
      calls: fc.integer({ min: 2, max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("grant" as const),
      unit: fc.constantFrom("credits" as const, "compute" as const),
      amount: fc.integer({ min: 1, max: 60 }),
      kind: fc.constantFrom("promo" as const, "compensation" as const, "purchase" as const),
      hours: fc.option(fc.integer({ min: 1, max: 200 }), { nil: null }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 120 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("check" as const), units: fc.integer({ min: 1, max: 150 }) }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

async function play(ada: TenantCtx, model: Model, step: Command, at: number): Promise<void> {
  const nowMs = clock.now().getTime();
  if (step.do === "wait") return clock.advance({ hours: step.hours });
  if (step.do === "grant") {
    const expiresAt = step.hours === null ? null : new Date(nowMs + step.hours * 3_600_000);
    await grantCredits(ada, {
      unit: step.unit,
      amount: step.amount,
      kind: step.kind,
      source: `step:${at}`,
      expiresAt,
    });
    return model.grant(step.unit, step.amount, PRIORITY[step.kind], nowMs, expiresAt?.getTime() ?? null);
  }
  if (step.do === "check") {
    const decision = await check(ada, { feature: "compute", units: step.units });
    return expect(decision.allowed).toBe(model.draw(step.units, nowMs, false) !== null);
  }
  if (step.do === "burst") {
    const receipts = await Promise.all(
      Array.from({ length: step.calls }, () => consume(ada, { feature: "compute", units: step.units })),
    );
    const expected = Array.from({ length: step.calls }, () => model.draw(step.units, nowMs, true) !== null);
    return expect(receipts.filter((receipt) => receipt.allowed)).toHaveLength(
      expected.filter(Boolean).length,
    );
  }
  await playConsume(ada, model, step, nowMs);
}

async function playConsume(
  ada: TenantCtx,
  model: Model,
  step: { units: number; key?: string },
  nowMs: number,
): Promise<void> {
  const earlier = step.key === undefined ? undefined : model.keys.get(step.key);
  const call = consume(ada, { feature: "compute", units: step.units, key: step.key });
  if (earlier !== undefined && earlier !== step.units) {
    await expect(call).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
    return;
  }
  const receipt = await call;
  if (earlier !== undefined) return expect(receipt).toMatchObject({ allowed: true, replayed: true });
  const drawn = model.draw(step.units, nowMs, true);
  expect(receipt.allowed).toBe(drawn !== null);
  if (!receipt.allowed || drawn === null) return;
  if (step.key !== undefined) model.keys.set(step.key, step.units);
  expect(receipt.drawn).toMatchObject({ allowance: drawn.allowance, credits: drawn.credits });
  expect(receipt.drawn.lots.reduce((sum, lot) => sum + lot.units, 0)).toBe(drawn.lots + drawn.credits);
}

test(`${RUNS} random histories: the gate and a plain model agree on every answer and every balance`, {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 30 }), async (history) => {
      const ada = await tenant("ada");
      const model = new Model(100, WEEK_MS, clock.now().getTime());
      for (const [at, step] of history.entries()) await play(ada, model, step, at);
      const nowMs = clock.now().getTime();
      const free = model.draw(1, nowMs, false);
      expect((await check(ada, { feature: "compute" })).allowed).toBe(free !== null);
      const compute = (await status(ada)).meters.find((meter) => meter.feature === "compute")!;
      expect(compute).toMatchObject({ used: model.used, resetsAt: new Date(model.windowEndsAtMs) });
      expect((await balance(ada)).available).toBe(model.available("credits", nowMs));
      expect((await balance(ada, { unit: "compute" })).available).toBe(model.available("compute", nowMs));
    }),
    { numRuns: RUNS },
  );
});
