import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { expireLots } from "@/server/credits/jobs";
import { lifetime } from "@/server/credits/lifetime";
import { debtOf } from "@/server/ledger/debt";
import { listOrders } from "@/server/orders/orders";
import { commit } from "@/server/quota/commit";
import { consume } from "@/server/quota/consume";
import { sweepHolds } from "@/server/quota/jobs";
import { refund } from "@/server/quota/refund";
import { releaseHold } from "@/server/quota/release-hold";
import { reserve } from "@/server/quota/reserve";

const pack = (id: string, expiresAfterDays: number | null) => ({
  id,
  name: id,
  credits: 100,
  priceMinor: 1_000,
  expiresAfterDays,
});
const prices = definePriceList({
  currency: "usd",
  features: {
    pages: {
      kind: "meter",
      name: "Pages",
      window: "month",
      align: "calendar",
      overflow: { to: "credits", credits: 1, perUnits: 1 },
    },
  },
  plans: [{ id: "free", name: "Free", tagline: "", price: { kind: "free" }, limits: { pages: 0 } }],
  packs: [pack("kept", null), pack("expiring", 1)],
  defaultPlan: "free",
});
const set = await stage({ prices, poolSize: 10 });
const { ctx, tenant, buy, stripe, simulator, settled, advance } = set;

const DAYS = 1;
const spend = (of: TenantCtx, units: number) => consume(of, { feature: "pages", units });
const paymentOf = async (of: TenantCtx, newest = 0) => (await listOrders(of)).orders[newest]!.paymentId!;
const refundMoney = async (payment: string, amount: number) => {
  await stripe.refunds.create({ payment_intent: payment, amount });
  await settled();
};
const dispute = async (payment: string, decided?: "won" | "lost") => {
  const { id } = simulator.control.openDispute({ payment });
  await settled();
  if (decided) simulator.control.setDispute(id, decided);
  await settled();
  return id;
};
const decide = async (id: string, status: "won" | "lost") => {
  simulator.control.setDispute(id, status);
  await settled();
};

/** A pack that expires and one that is kept; a call that draws 100 of the first and 20 of the second. */
async function withBoth() {
  const ada = await tenant("ada");
  await buy(ada, { pack: "expiring" });
  await buy(ada, { pack: "kept" });
  const held = await reserve(ada, { feature: "pages", units: 120, expiresInSeconds: DAYS * 86_400 });
  const holdId = held.allowed ? held.holdId : "";
  expect(await balance(ada)).toMatchObject({ available: 80, nextExpiry: null });
  return { ada, holdId };
}
type Ways = [string, (of: TenantCtx, holdId: string) => Promise<unknown>];
const charged = (of: TenantCtx, holdId: string) => commit(of, { holdId, units: 120 });
const refundOf = async (of: TenantCtx, holdId: string, units: number, keys: string[]) => {
  const { entryId } = await charged(of, holdId);
  for (const key of keys) await refund(of, { entryId, units, key, reason: "asked" });
};
/** Whatever gives units of a call back. What is kept of the 100 permanent ones, once the others are over. */
const ways: [...Ways, number][] = [
  ["a refund of it all", (of, id) => refundOf(of, id, 120, ["all"]), 100],
  ["refunds in parts, one told twice", (of, id) => refundOf(of, id, 30, ["1", "2", "2", "3"]), 100],
  ["a small refund", (of, id) => refundOf(of, id, 7, ["1"]), 87],
  ["a hold released", (of, holdId) => releaseHold(of, { holdId }), 100],
  ["a commit of less than was held", (of, holdId) => commit(of, { holdId, units: 5 }), 100],
];

test.each(ways)(
  "a refund cannot launder expiring units into permanent ones: %s",
  async (_, giveBack, kept) => {
    const { ada, holdId } = await withBoth();
    await giveBack(ada, holdId);
    await advance({ days: DAYS });
    expect((await balance(ada)).lots.map(({ expiresAt, remaining }) => [expiresAt, remaining])).toEqual([
      [null, kept],
    ]);
  },
);

test.each(ways.slice(0, 3))(
  "a refund cannot launder expiring units into permanent ones, late: %s",
  async (_, giveBack, kept) => {
    const { ada, holdId } = await withBoth();
    await charged(ada, holdId);
    await advance({ days: DAYS + 1 });
    await giveBack(ada, holdId);
    expect((await balance(ada)).lots.map(({ expiresAt, remaining }) => [expiresAt, remaining])).toEqual([
      [null, kept],
    ]);
    expect(await spend(ada, kept + 1)).toMatchObject({ allowed: false });
  },
);

test("a refund cannot launder expiring units into permanent ones: a hold that nobody settles", async () => {
  const { ada } = await withBoth();
  await advance({ days: DAYS });
  await sweepHolds(ctx);
  await expireLots(ctx);
  expect(await balance(ada)).toMatchObject({ available: 100, lots: [{ expiresAt: null, remaining: 100 }] });
  expect(await lifetime(ada)).toMatchObject({ granted: 200, consumed: 0, expired: 100, remaining: 100 });
});

test("a refund cannot launder expiring units into permanent ones: money that went and came again", async () => {
  const bo = await tenant("bo");
  await buy(bo, { pack: "kept" });
  await spend(bo, 100);
  const open = await dispute(await paymentOf(bo));
  await buy(bo, { pack: "expiring" });
  // The pack that expires paid for what was owed; what it paid comes back to it, and it is over.
  expect(await balance(bo)).toMatchObject({ available: 0, debt: null });
  await advance({ days: DAYS });
  await decide(open, "won");
  expect(await balance(bo)).toMatchObject({ available: 0, debt: null });
  expect(await lifetime(bo)).toMatchObject({ granted: 200, consumed: 100, expired: 100, repaid: 0 });
});

/** Bought 100 for $10, spent so many, so much money back: what is owed, and what is left. */
const chargebacks = [
  { spent: 0, backMinor: 1_000, owed: 0, left: 0 },
  { spent: 40, backMinor: 1_000, owed: 40, left: 0 },
  { spent: 100, backMinor: 1_000, owed: 100, left: 0 },
  { spent: 100, backMinor: 1, owed: 0, left: 0 },
  { spent: 100, backMinor: 10, owed: 1, left: 0 },
  { spent: 70, backMinor: 500, owed: 20, left: 0 },
  { spent: 30, backMinor: 500, owed: 0, left: 20 },
];

test.each(chargebacks)(
  "buying, spending and charging back never yields free units unnoticed: spent $spent, $backMinor cents back",
  async ({ spent, backMinor, owed, left }) => {
    const cleo = await tenant("cleo");
    await buy(cleo, { pack: "kept" });
    if (spent > 0) expect(await spend(cleo, spent)).toMatchObject({ allowed: true });
    const payment = await paymentOf(cleo);
    if (backMinor === 1_000) await dispute(payment, "lost");
    else await refundMoney(payment, backMinor);
    expect((await debtOf(cleo)).owed).toBe(owed);
    expect(await balance(cleo)).toMatchObject({ available: left });
    const paidFor = 100 - Math.floor(backMinor / 10);
    expect(spent - paidFor).toBeLessThanOrEqual(owed);
    const next = await spend(cleo, 1);
    if (owed > 0) expect(next).toMatchObject({ allowed: false, blockedBecause: "debt" });
    else expect(next.allowed).toBe(left > 0);
  },
);

test("buying, spending and charging back never yields free units unnoticed, again and again", async () => {
  const dan = await tenant("dan");
  let used = 0;
  for (const round of [1, 2, 3, 4]) {
    await buy(dan, { pack: "kept" });
    const { available } = await balance(dan);
    expect(available).toBe(round === 1 ? 100 : 0);
    if (available > 0 && (await spend(dan, available)).allowed) used += available;
    await dispute(await paymentOf(dan), "lost");
    expect((await debtOf(dan)).owed).toBe(used);
    expect(await spend(dan, 1)).toMatchObject({ allowed: false, reason: "blocked" });
  }
  expect(used).toBe(100);
  await buy(dan, { pack: "kept" });
  expect(await balance(dan)).toMatchObject({ available: 0, debt: null });
  await buy(dan, { pack: "kept" });
  expect(await balance(dan)).toMatchObject({ available: 100, debt: null });
});

test("buying, spending and charging back never yields free units unnoticed: refunded and disputed as well", async () => {
  const eve = await tenant("eve");
  await buy(eve, { pack: "kept" });
  await spend(eve, 60);
  const payment = await paymentOf(eve);
  await refundMoney(payment, 500);
  expect([(await balance(eve)).available, (await debtOf(eve)).owed]).toEqual([0, 10]);
  const open = await dispute(payment);
  expect((await debtOf(eve)).owed).toBe(60);
  await decide(open, "won");
  expect([(await balance(eve)).available, (await debtOf(eve)).owed]).toEqual([0, 10]);
  await buy(eve, { pack: "expiring" });
  expect(await balance(eve)).toMatchObject({ available: 90, debt: null });
});
