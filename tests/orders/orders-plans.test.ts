import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { inTenant } from "@/server/db/transaction";
import { entitle } from "@/server/entitlements/entitle";
import { compensate } from "@/server/orders/compensate";
import { fulfilOrder } from "@/server/orders/fulfil-order";
import { listOrders } from "@/server/orders/orders";
import { linesOf } from "@/server/orders/place-order";
import { followPrepaid, prepaidOf } from "@/server/orders/prepaid";
import { ensurePlanVersions } from "@/server/plans/service";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const limits = (calls: number) => ({ calls, uploads: calls > 100 });
const prices = definePriceList({
  currency: "usd",
  features: {
    calls: {
      kind: "meter",
      name: "Calls",
      unit: "call",
      window: "day",
      align: "calendar",
      overflow: { to: "credits", credits: 1, perUnits: 1 },
    },
    uploads: { kind: "flag", name: "Uploads" },
  },
  plans: [
    { id: "basic", name: "Basic", tagline: "", price: { kind: "free" }, limits: limits(100) },
    {
      id: "small",
      name: "Small",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 700, days: 7, creditsPerDayLeft: 10 },
      limits: limits(200),
    },
    {
      id: "large",
      name: "Large",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 6_000, days: 30 },
      limits: limits(400),
    },
    {
      id: "pro",
      name: "Pro",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 9_000, annualMinor: null },
      limits: limits(800),
    },
  ],
  packs: [{ id: "p100", name: "100 credits", credits: 100, priceMinor: 100, expiresAfterDays: 30 }],
  credits: { amount: { minorUnits: 1, perUnits: 3, min: 2, max: 1_000, expiresAfterDays: 60 } },
  automaticTax: true,
  defaultPlan: "basic",
});

const set = await stage({ prices, poolSize: 10 });
const { tenant, owner, clock, stripe, pay, buy, advance, settled } = set;

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);
const planOf = async (of: TenantCtx) => {
  const { plan, source, endsAt } = await subscriptionOf(of);
  return { plan: plan.id, source, endsAt };
};
const putOn = async (of: TenantCtx, plan: string) =>
  entitle(of, { planVersionId: (await ensurePlanVersions(of)).get(plan)!.id, source: "operator" });

test("tax comes on top and stands on the receipt; what was bought decides, never what was paid", async () => {
  const ada = await tenant("ada");
  await buy(ada, { order: { plan: "small", periods: 3, credits: 100 } });
  const { orders } = await listOrders(ada);
  expect(orders).toMatchObject([
    {
      lines: [
        { name: "Small, 21 days", amount: { amountMinor: 2_100n } },
        { name: "100 credits", amount: { amountMinor: 34n } },
      ],
      tax: { amountMinor: 427n },
      total: { amountMinor: 2_561n },
    },
  ]);
  expect((await stripe.paymentIntents.retrieve(orders[0]!.paymentId!)).amount_received).toBe(2_561);
  expect(await planOf(ada)).toEqual({ plan: "small", source: "prepaid", endsAt: inDays(21) });
  expect((await balance(ada)).available).toBe(100);
});

test("a subscription with credits is taxed as one, and its receipt adds up", async () => {
  const bo = await tenant("bo");
  await buy(bo, { order: { plan: "pro", pack: "p100" } });
  const { orders } = await listOrders(bo);
  expect(orders).toMatchObject([{ total: { amountMinor: 10_920n }, tax: { amountMinor: 1_820n } }]);
  const [lot] = await owner`select expires_at from lots where tenant_id = ${bo.tenant.id}`;
  expect(lot?.expires_at).toEqual(inDays(30));
});

test("who has a subscription that renews is sold no days that nobody agreed it ends for; credits are", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { plan: "pro" });
  await expect(startCheckout(cleo, { plan: "large" })).rejects.toMatchObject({ code: "ALREADY_SUBSCRIBED" });
  await expect(startCheckout(cleo, { order: { plan: "small", credits: 9 } })).rejects.toMatchObject({
    code: "ALREADY_SUBSCRIBED",
  });
  await buy(cleo, { order: { credits: 9 } });
});

test("of two pages for plans only one can be open, so that nobody pays for both", async () => {
  const ada = await tenant("ada");
  const days = await startCheckout(ada, { plan: "large" });
  const subscription = await startCheckout(ada, { plan: "pro" });
  expect(await pay(days.url)).toMatchObject({ location: null });
  await pay(subscription.url);
  await settled();
  expect(await planOf(ada)).toMatchObject({ plan: "pro" });
});

test("while a payment for a plan is on its way, no other plan is sold; credits are", async () => {
  const bo = await tenant("bo");
  await pay((await startCheckout(bo, { plan: "small" })).url, { timing: "later_succeeds" });
  await settled();
  for (const plan of ["small", "large", "pro"])
    await expect(startCheckout(bo, { plan })).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("on its way"),
    });
  await startCheckout(bo, { order: { credits: 9 } });
  await advance({ days: 4 });
  expect(await planOf(bo)).toMatchObject({ plan: "small", endsAt: inDays(7) });
  await startCheckout(bo, { plan: "large" });
});

test("an upgrade counts days by the price of a day, not by the price of a period", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { order: { plan: "small", periods: 20 } });
  await buy(cleo, { plan: "large" });
  expect(await planOf(cleo)).toMatchObject({ plan: "large", endsAt: inDays(170) });
  expect((await balance(cleo)).available).toBe(140 * 10);
  await expect(startCheckout(cleo, { plan: "small" })).rejects.toMatchObject({ code: "CONFLICT" });
});

test("a plan that is over gives nothing more to flags, wherever they are asked", async () => {
  const dan = await tenant("dan");
  await buy(dan, { plan: "small" });
  expect(await check(dan, { feature: "uploads" })).toMatchObject({ allowed: true });
  clock.advance({ days: 7 });
  expect(await check(dan, { feature: "uploads" })).toMatchObject({ allowed: false, planVersion: "basic@1" });
  expect(await planOf(dan)).toEqual({ plan: "basic", source: "default", endsAt: null });
});

test("inside a caller's transaction the fall and the draw stand or fall with it", async () => {
  const ada = await tenant("ada");
  await buy(ada, { plan: "small" });
  clock.advance({ days: 7 });
  const undone = inTenant(ada, async (_tx, inner) => {
    expect(await consume(inner, { feature: "calls", units: 100 })).toMatchObject({
      allowed: true,
      limit: 100,
    });
    throw new Error("undo");
  });
  await expect(undone).rejects.toThrow("undo");
  const [row] = await owner`select plan_version from tenant_plans where tenant_id = ${ada.tenant.id}`;
  expect(row?.plan_version).toBe("small@1");
  const done = await inTenant(ada, (_tx, inner) => consume(inner, { feature: "calls", units: 100 }));
  expect(done).toMatchObject({ allowed: true, limit: 100, remaining: 0 });
});

test("days whose money went back are gone, and what was before them holds again", async () => {
  const bo = await tenant("bo");
  await buy(bo, { plan: "small" });
  const firstEnd = inDays(7);
  clock.advance({ days: 2 });
  await buy(bo, { plan: "large" });
  const { orders } = await listOrders(bo);
  const giveBack = async (orderId: string, days: number) => {
    await owner`update order_lines set days_taken_back = ${days} where tenant_id = ${bo.tenant.id} and order_id = ${orderId}`;
    await inTenant(bo, (_tx, inner) => followPrepaid(inner));
  };
  expect((await prepaidOf(bo)).compensations).toEqual(new Map([[orders[0]!.id, 50]]));
  await giveBack(orders[0]!.id, 10);
  expect(await planOf(bo)).toMatchObject({
    plan: "large",
    endsAt: new Date(firstEnd.getTime() + 20 * DAY_MS),
  });
  await giveBack(orders[0]!.id, 30);
  expect(await planOf(bo)).toEqual({ plan: "small", source: "prepaid", endsAt: firstEnd });
  expect((await prepaidOf(bo)).compensations).toEqual(new Map());
  await giveBack(orders[1]!.id, 7);
  expect(await planOf(bo)).toEqual({ plan: "basic", source: "default", endsAt: null });
  await giveBack(orders[0]!.id, 0);
  expect(await planOf(bo)).toMatchObject({ plan: "large", endsAt: inDays(30) });
});

test("what an upgrade gives for days left follows the money of both orders, whichever comes first, and once", async () => {
  const dan = await tenant("dan");
  await buy(dan, { plan: "small" });
  const small = (await listOrders(dan)).orders[0]!.id;
  const moneyBack = async (orderId: string, days: number, minor: number) => {
    await owner`update order_lines set days_taken_back = ${days} where order_id = ${orderId}`;
    await owner`update orders set money_back_minor = ${minor} where id = ${orderId}`;
    for (let twice = 0; twice < 2; twice += 1) await inTenant(dan, (_tx, inner) => compensate(inner));
    return (await balance(dan)).available;
  };
  await moneyBack(small, 7, 840);
  clock.advance({ days: 2 });
  await buy(dan, { plan: "large" });
  const large = (await listOrders(dan)).orders[0]!.id;
  expect((await balance(dan)).available).toBe(0);
  expect(await moneyBack(small, 4, 480)).toBe(10);
  expect(await moneyBack(small, 0, 0)).toBe(50);
  expect(await moneyBack(large, 15, 3_600)).toBe(25);
  expect(await moneyBack(small, 7, 840)).toBe(0);
  expect(await moneyBack(small, 0, 0)).toBe(25);
  expect(await moneyBack(large, 0, 0)).toBe(50);
  const lots = await owner`
    select source, granted from lots where tenant_id = ${dan.tenant.id} and kind = 'compensation' order by id`;
  expect(lots).toEqual([
    { source: `order:${large}:compensation`, granted: "10" },
    { source: `order:${large}:compensation:10`, granted: "40" },
  ]);
});

test("an operator's later choice outlasts what was paid for; a purchase after it counts again", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { plan: "small" });
  clock.advance({ minutes: 1 });
  await putOn(cleo, "pro");
  await syncCustomer(cleo);
  expect(await planOf(cleo)).toEqual({ plan: "pro", source: "operator", endsAt: null });
  clock.advance({ minutes: 1 });
  await buy(cleo, { plan: "large" });
  expect(await planOf(cleo)).toMatchObject({ plan: "large", source: "prepaid" });
});

test("an order that isn't the tenant's is nobody's, and gives nothing", async () => {
  const [dan, ada] = [await tenant("dan"), await tenant("ada")];
  await startCheckout(dan, { plan: "small" });
  const { orders } = await listOrders(dan);
  const payment = { paymentId: "pi_other", paidAt: clock.now(), totalMinor: 700n, currency: "usd" };
  const stolen = inTenant(ada, (_tx, inner) => fulfilOrder(inner, orders[0]!.id, payment));
  await expect(stolen).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await linesOf(ada, orders[0]!.id)).toEqual([]);
  expect(await planOf(ada)).toMatchObject({ plan: "basic" });
});
