import { world } from "@tests/support/world";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { grantCredits } from "@/server/credits/grant-credits";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { sweepHolds } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";
import type { Settled } from "@/server/quota/settled";
import { status } from "@/server/quota/status";

const { tenant, clock, ctx, owner } = await world();
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
    end: fc.constantFrom("commit" as const, "commit" as const, "release" as const, "later" as const),
    actual: fc.integer({ min: 0, max: 90 }),
    overflow: fc.constantFrom("reject" as const, "cap" as const, "overflow" as const),
  }),
  fc.record({ do: fc.constant("settle" as const), at: fc.nat(20), actual: fc.integer({ min: 0, max: 90 }) }),
  fc.record({
    do: fc.constant("refund" as const),
    at: fc.nat(20),
    units: fc.integer({ min: 1, max: 60 }),
    lapsed: fc.constantFrom("forfeit" as const, "regrant" as const),
  }),
  fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 60 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Of one charge: what it still draws of each lot. An open one is a hold that may be settled, or swept. */
interface Chain {
  entryId: string;
  open: boolean;
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

/** Units that a refund granted anew, by the lot it made. */
type Regrants = Map<string, number>;

async function refundOne(
  ada: TenantCtx,
  chain: Chain,
  { units, lapsed, key }: { units: number; lapsed: "forfeit" | "regrant"; key: string },
  regrants: Regrants,
): Promise<void> {
  const done = await refund(ada, { entryId: chain.entryId, units, lapsed, key, reason }).catch((error) => {
    // More than is left of it, or a hold that was never charged: anything else is a fault.
    expect(error).toMatchObject({ code: "CONFLICT" });
    return null;
  });
  if (!done) return;
  follow(chain, done);
  if (lapsed === "regrant" && done.lapsed > 0) regrants.set(`refund:${done.entryId}`, done.lapsed);
}

async function settleOne(ada: TenantCtx, chain: Chain, actual: number): Promise<void> {
  // A call that was denied in between may have swept it: then all of it went back, and the commit draws anew.
  const [{ status: before } = { status: "" }] =
    await owner`select status from holds where id = ${chain.entryId}`;
  if (before === "expired") chain.lots.clear();
  follow(chain, await commit(ada, { holdId: chain.entryId, units: actual }));
  chain.open = false;
}

async function play(ada: TenantCtx, chains: Chain[], regrants: Regrants, now: Step, at: number) {
  if (now.do === "wait") return clock.advance({ hours: now.hours });
  if (now.do === "refund") {
    const chain = chains[now.at % Math.max(chains.length, 1)];
    return chain && refundOne(ada, chain, { ...now, key: `refund-${at}` }, regrants);
  }
  if (now.do === "settle") {
    const open = chains.filter((chain) => chain.open);
    const chain = open[now.at % Math.max(open.length, 1)];
    return chain && settleOne(ada, chain, now.actual);
  }
  const drawn =
    now.do === "consume"
      ? await consume(ada, { feature: "compute", units: now.units })
      : await reserve(ada, { feature: "compute", units: now.units, overflow: now.overflow });
  if (!drawn.allowed) return;
  const { entryId, drawn: from } = drawn;
  const chain = {
    entryId,
    open: now.do === "hold",
    lots: new Map(from.lots.map((lot) => [lot.lotId, lot.units])),
  };
  chains.push(chain);
  if (now.do === "consume" || now.end === "later") return;
  if (now.end === "commit") return settleOne(ada, chain, now.actual);
  follow(chain, await releaseHold(ada, { holdId: entryId }));
  chain.open = false;
}

/** One lot that is spent before the purchase and expires soon, one later, one of the meter's own unit, and one that lasts. */
async function grants(ada: TenantCtx): Promise<Map<string, Granted>> {
  const made = [
    { unit: "credits", kind: "promo" as const, amount: 40, expiresAt: expiringIn(30) },
    { unit: "credits", kind: "compensation" as const, amount: 40, expiresAt: expiringIn(90) },
    { unit: "compute", kind: "promo" as const, amount: 40, expiresAt: expiringIn(60) },
    { unit: "credits", kind: "purchase" as const, amount: 40, expiresAt: null },
  ];
  const lots = new Map<string, Granted>();
  for (const [n, { expiresAt, ...lot }] of made.entries()) {
    const { lotId } = await grantCredits(ada, {
      ...lot,
      source: `test:${n}`,
      ...(expiresAt && { expiresAt }),
    });
    lots.set(lotId, { amount: lot.amount, expiresAt });
  }
  return lots;
}
interface Granted {
  amount: number;
  expiresAt: Date | null;
}

test(`${RUNS} random histories: a unit goes back only to the lot it was drawn from, and nothing that expires comes to last`, {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (history) => {
      const ada = await tenant("ada");
      const made = await grants(ada);
      const [chains, regrants]: [Chain[], Regrants] = [[], new Map()];
      for (const [at, one] of history.entries()) await play(ada, chains, regrants, one, at);
      clock.advance({ hours: 1 });
      await sweepHolds(ctx);
      const swept =
        await owner`select id from holds where tenant_id = ${ada.tenant.id} and status = 'expired'`;
      const gone = new Set(swept.map(({ id }) => id));
      const drawn = (lotId: string) =>
        chains.reduce((sum, { entryId, lots }) => sum + (gone.has(entryId) ? 0 : (lots.get(lotId) ?? 0)), 0);
      const lots =
        await owner`select id, kind, source, granted::int, remaining::int, expires_at as "expiresAt" from lots where tenant_id = ${ada.tenant.id}`;
      for (const lot of lots) {
        // All lots there are, the expired and the empty too: granted by this test with this expiry, or anew by a refund of lapsed units.
        const { amount, expiresAt } = made.get(lot.id) ?? {
          amount: regrants.get(lot.source),
          expiresAt: lot.expiresAt,
        };
        expect(lot).toMatchObject({ granted: amount, remaining: amount! - drawn(lot.id), expiresAt });
        expect(lot.expiresAt === null).toBe(lot.kind === "purchase");
      }
      expect(lots).toHaveLength(made.size + regrants.size);
      const spendable = [...(await balance(ada)).lots, ...(await balance(ada, { unit: "compute" })).lots];
      for (const lot of spendable) expect(lot.expiresAt === null || lot.expiresAt > clock.now()).toBe(true);
    }),
    { numRuns: RUNS },
  );
});
