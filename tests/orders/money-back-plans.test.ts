import { energyList } from "@tests/recipes/energy-list";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { debtOf } from "@/server/ledger/debt";
import { listOrders } from "@/server/orders/orders";
import { prepaidOf } from "@/server/orders/prepaid";
import { consume } from "@/server/quota/consume";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { moneyOf } from "./refunds";

const set = await stage({ prices: energyList });
const { tenant, buy, stripe, simulator, settled, clock, advance } = set;
const money = moneyOf(set);

const DAY_MS = 86_400_000;
const STANDARD = { order: { plan: "standard" } };
const PREMIUM = { order: { plan: "premium" } };
const planOf = async (ctx: TenantCtx) => (await subscriptionOf(ctx)).plan.id;
const daysLeft = async (ctx: TenantCtx) => {
  const { term } = await prepaidOf(ctx);
  return term?.endsAt ? (term.endsAt.getTime() - clock.now().getTime()) / DAY_MS : 0;
};
const latest = async (ctx: TenantCtx) => (await listOrders(ctx)).orders[0]!.paymentId!;
const refundLatest = async (ctx: TenantCtx, amount?: number) => {
  await stripe.refunds.create({ payment_intent: await latest(ctx), amount });
  await settled();
};

test("with all its money back a term never was; with a share of it, that share of the days goes", async () => {
  const ada = await tenant("ada");
  await buy(ada, STANDARD);
  await refundLatest(ada, 700);
  expect([await planOf(ada), await daysLeft(ada)]).toEqual(["standard", 20]);
  await refundLatest(ada);
  expect([await planOf(ada), await daysLeft(ada)]).toEqual(["basic", 0]);
});

test("an upgrade whose money is back restores the plan before, and what it gave for the days left goes back", async () => {
  const ada = await tenant("ada");
  await buy(ada, STANDARD);
  await advance({ days: 10 });
  await buy(ada, PREMIUM);
  expect([await planOf(ada), (await balance(ada)).available]).toEqual(["premium", 10_000]);
  await refundLatest(ada, 5_000);
  expect([await planOf(ada), await daysLeft(ada), (await balance(ada)).available]).toEqual([
    "premium",
    35,
    5_000,
  ]);
  await refundLatest(ada);
  expect([await planOf(ada), await daysLeft(ada), (await balance(ada)).available]).toEqual([
    "standard",
    20,
    0,
  ]);
});

test("nearly all of an upgrade's money back leaves nearly nothing of its compensation", async () => {
  const ada = await tenant("ada");
  await buy(ada, STANDARD);
  await buy(ada, PREMIUM);
  expect((await balance(ada)).available).toBe(15_000);
  await refundLatest(ada, 9_900);
  expect((await balance(ada)).available).toBe(150);
});

test("compensation that was spent is owed", async () => {
  const ada = await tenant("ada");
  await buy(ada, STANDARD);
  await buy(ada, PREMIUM);
  await consume(ada, { feature: "energy", units: 8_000 + 4_000 });
  await refundLatest(ada);
  expect(await debtOf(ada)).toMatchObject({ owed: 4_000 });
});

test("a chargeback of the old plan takes back what the upgrade gave for its days, and won, brings it again", async () => {
  const ada = await tenant("ada");
  await buy(ada, STANDARD);
  await buy(ada, PREMIUM);
  await money.dispute(ada);
  expect([await planOf(ada), await daysLeft(ada), (await balance(ada)).available]).toEqual([
    "premium",
    30,
    0,
  ]);
  await money.decide(ada, "won");
  expect([await planOf(ada), await daysLeft(ada), (await balance(ada)).available]).toEqual([
    "premium",
    60,
    15_000,
  ]);
});

test("one payment for a plan and credits: both go back in the same share, from one look", async () => {
  const ada = await tenant("ada");
  await buy(ada, { order: { plan: "standard", credits: 1_000 } });
  await refundLatest(ada, 1_000);
  expect([await daysLeft(ada), (await balance(ada)).available]).toEqual([20, 667]);
  simulator.control.openDispute({ payment: await latest(ada) });
  await settled();
  expect([await planOf(ada), (await balance(ada)).available]).toEqual(["basic", 0]);
});
