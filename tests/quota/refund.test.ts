import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance, grantCredits } from "@/server/credits/service";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import type { Settled } from "@/server/quota/settled";
import { status } from "@/server/quota/status";

const { tenant, clock } = await world();
const RUNS = 120;
const reason = "it failed";

const usedOf = async (ada: TenantCtx) =>
  (await status(ada)).meters.find((meter) => meter.feature === "compute")!.used;
const expiringIn = (hours: number) => new Date(clock.now().getTime() + hours * 3_600_000);

test("a refund gives back to what paid, last drawn first, once per key and never more than was charged", async () => {
  const ada = await tenant("ada");
  await grantCredits(ada, { amount: 30, kind: "promo", source: "promo:1", expiresAt: expiringIn(100) });
  await grantCredits(ada, { amount: 50, kind: "purchase", source: "payment:1" });
  const charged = await consume(ada, { feature: "compute", units: 150 });
  if (!charged.allowed) throw new Error("denied");
  const [promo, bought] = charged.drawn.lots.map((lot) => lot.lotId);
  const ask = { entryId: charged.entryId, units: 35, key: "first", reason };
  const first = await refund(ada, ask);
  expect(first.returned).toEqual({
    allowance: 0,
    credits: 35,
    lots: [
      { lotId: bought, units: 20 },
      { lotId: promo, units: 15 },
    ],
  });
  expect(await refund(ada, ask)).toEqual({ ...first, replayed: true });
  await expect(refund(ada, { ...ask, units: 34 })).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  await expect(refund(ada, { ...ask, units: 116, key: "much" })).rejects.toMatchObject({ code: "CONFLICT" });
  expect((await refund(ada, { entryId: charged.entryId, key: "rest", reason })).returned).toMatchObject({
    allowance: 100,
    credits: 15,
  });
  expect(await usedOf(ada)).toBe(0);
  await expect(refund(ada, { entryId: charged.entryId, key: "again", reason })).rejects.toMatchObject({
    code: "CONFLICT",
  });
});

test("50 refunds of one charge at once give it back once", async () => {
  const bo = await tenant("bo");
  const charged = await consume(bo, { feature: "compute", units: 60 });
  if (!charged.allowed) throw new Error("denied");
  const asked = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) =>
      refund(bo, { entryId: charged.entryId, units: 20, key: `refund-${n}`, reason }),
    ),
  );
  expect(asked.filter((one) => one.status === "fulfilled")).toHaveLength(3);
  expect(await usedOf(bo)).toBe(0);
});

test("what comes back to a closed window or an expired lot lapses; granted anew, it ends with the running window", async () => {
  const cleo = await tenant("cleo");
  await grantCredits(cleo, {
    unit: "compute",
    amount: 10,
    kind: "promo",
    source: "promo:1",
    expiresAt: expiringIn(24),
  });
  const old = await consume(cleo, { feature: "compute", units: 110 });
  if (!old.allowed) throw new Error("denied");
  clock.advance({ days: 8 });
  const ask = { entryId: old.entryId, reason };
  expect(await refund(cleo, { ...ask, units: 30, key: "gone" })).toMatchObject({ lapsed: 30, used: 0 });
  expect((await balance(cleo, { unit: "compute" })).available).toBe(0);
  expect(await refund(cleo, { ...ask, units: 40, key: "anew", lapsed: "regrant" })).toMatchObject({
    lapsed: 40,
  });
  const anew = await balance(cleo, { unit: "compute" });
  expect(anew).toMatchObject({ available: 40, lots: [{ kind: "adjustment" }] });
  const { resetsAt } = (await status(cleo)).meters.find((meter) => meter.feature === "compute")!;
  expect(anew.lots[0]!.expiresAt).toEqual(resetsAt);
});

const step = fc.oneof(
  fc.record({ do: fc.constant("consume" as const), units: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    do: fc.constant("hold" as const),
    units: fc.integer({ min: 1, max: 60 }),
    actual: fc.option(fc.integer({ min: 0, max: 90 }), { nil: null }),
    overflow: fc.constantFrom("reject" as const, "cap" as const, "overflow" as const),
  }),
  fc.record({ do: fc.constant("refund" as const), at: fc.nat(20), units: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 60 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Of one charge: what it still draws of each lot. */
interface Chain {
  entryId: string;
  lots: Map<string, number>;
}

/** Books what a settling moved on the chain's lots, and refuses a unit that went back to a lot that had not paid it. */
function follow(chain: Chain, settled: Settled): void {
  for (const { lotId, units } of settled.drawn.lots)
    chain.lots.set(lotId, (chain.lots.get(lotId) ?? 0) + units);
  for (const { lotId, units } of settled.returned.lots) {
    const left = (chain.lots.get(lotId) ?? 0) - units;
    expect(left).toBeGreaterThanOrEqual(0);
    chain.lots.set(lotId, left);
  }
}

async function play(ada: TenantCtx, chains: Chain[], { ...now }: Step, at: number): Promise<void> {
  if (now.do === "wait") return clock.advance({ hours: now.hours });
  if (now.do === "refund") {
    const chain = chains[now.at % Math.max(chains.length, 1)];
    const { entryId } = chain ?? { entryId: "ent_0" };
    const done = await refund(ada, { entryId, units: now.units, key: `refund-${at}`, reason }).catch(
      () => null,
    );
    return done && chain ? follow(chain, done) : undefined;
  }
  const drawn =
    now.do === "consume"
      ? await consume(ada, { feature: "compute", units: now.units })
      : await reserve(ada, { feature: "compute", units: now.units, overflow: now.overflow });
  if (!drawn.allowed) return;
  const chain = {
    entryId: drawn.entryId,
    lots: new Map(drawn.drawn.lots.map((lot) => [lot.lotId, lot.units])),
  };
  chains.push(chain);
  if (now.do === "consume") return;
  const { entryId: holdId } = drawn;
  follow(
    chain,
    now.actual === null
      ? await releaseHold(ada, { holdId })
      : await commit(ada, { holdId, units: now.actual }),
  );
}

test(`${RUNS} random histories: no unit ever goes back to another lot than the one it was drawn from`, {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (history) => {
      const ada = await tenant("ada");
      const amounts = { promo: 40, compensation: 40, purchase: 40 } as const;
      const made = new Map<string, number>();
      for (const [kind, amount] of Object.entries(amounts)) {
        const expiresAt = kind === "purchase" ? null : expiringIn(kind === "promo" ? 30 : 90);
        const unit = kind === "compensation" ? "compute" : "credits";
        const lot = await grantCredits(ada, {
          unit,
          amount,
          kind: kind as "promo",
          source: `test:${kind}`,
          expiresAt,
        });
        made.set(lot.lotId, amount);
      }
      const chains: Chain[] = [];
      for (const [at, one] of history.entries()) await play(ada, chains, one, at);
      const drawn = (lotId: string) => chains.reduce((sum, chain) => sum + (chain.lots.get(lotId) ?? 0), 0);
      const lots = [...(await balance(ada)).lots, ...(await balance(ada, { unit: "compute" })).lots];
      for (const lot of lots) expect(lot.remaining).toBe(made.get(lot.lotId)! - drawn(lot.lotId));
      // Nothing that expires became permanent: only what was bought lasts, and never more of it than was bought.
      for (const lot of lots) expect(lot.expiresAt === null).toBe(lot.kind === "purchase");
    }),
    { numRuns: RUNS },
  );
});
