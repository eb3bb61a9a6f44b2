import { sessionIdOf, stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { completeReturn } from "@/server/billing/return";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { inTenant } from "@/server/db/transaction";
import { fulfilOrder } from "@/server/orders/fulfil-order";
import { listOrders, orderOf } from "@/server/orders/orders";
import { placeOrder } from "@/server/orders/place-order";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const set = await stage({ poolSize: 10 });
const { tenant, owner, simulator, stripe, clock, pay, settled } = set;

const PRO_AND_250 = { order: { plan: "pro", credits: 250 } };
const ordersOf = (ctx: TenantCtx) =>
  owner`select * from orders where tenant_id = ${ctx.tenant.id} order by id`;
const lotsOf = (ctx: TenantCtx) =>
  owner`select source, granted, kind from lots where tenant_id = ${ctx.tenant.id} order by source`;
const latest = async (ctx: TenantCtx) => (await listOrders(ctx)).orders[0]!;

test("a plan and credits are one checkout, one payment and one receipt that names both", async () => {
  const ada = await tenant("ada");
  const { url } = await startCheckout(ada, PRO_AND_250);
  const page = await (await fetch(url)).text();
  expect(page).toContain("Pro");
  expect(page).toContain("250 credits");
  const { location } = await pay(url);
  const view = await completeReturn(ada, { sessionId: sessionIdOf(location) });
  expect(view).toMatchObject({
    status: "paid",
    purpose: "subscription",
    planBought: "Pro",
    creditsBought: 250,
    plan: { id: "pro" },
    creditsAvailable: 250,
  });
  await settled();
  const order = await orderOf(ada, { orderId: view.orderId! });
  expect(order).toMatchObject({
    status: "fulfilled",
    origin: "checkout",
    lines: [
      {
        kind: "plan",
        name: "Pro, by the month",
        planVersion: "pro@1",
        days: null,
        amount: { amountMinor: 1_500n },
      },
      { kind: "credits", name: "250 credits", credits: 250, amount: { amountMinor: 1_250n } },
    ],
    total: { amountMinor: 2_750n, currency: "usd" },
    tax: { amountMinor: 0n },
    paymentId: expect.stringMatching(/^pi_/),
    paidAt: clock.now(),
  });
  const intent = await stripe.paymentIntents.retrieve(order.paymentId!);
  expect(intent.amount_received).toBe(2_750);
  expect(await lotsOf(ada)).toEqual([{ source: `order:${order.id}:2`, granted: "250", kind: "purchase" }]);
  expect(await subscriptionOf(ada)).toMatchObject({ plan: { version: "pro@1" }, source: "subscription" });
});

test("a renewal of that subscription brings the plan, and no credits again", async () => {
  const bo = await tenant("bo");
  await set.buy(bo, PRO_AND_250);
  await set.advance({ days: 32 });
  await syncCustomer(bo);
  expect(await lotsOf(bo)).toHaveLength(1);
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { version: "pro@1" } });
  expect(await ordersOf(bo)).toHaveLength(1);
});

test("any amount of credits, and a pack beside it, cost what the list says, rounded once for each line", async () => {
  const cleo = await tenant("cleo");
  await set.buy(cleo, { order: { pack: "credits_500", credits: 33 } });
  expect(await latest(cleo)).toMatchObject({
    lines: [
      { name: "500 credits", amount: { amountMinor: 2_000n } },
      { name: "33 credits", amount: { amountMinor: 165n } },
    ],
    total: { amountMinor: 2_165n },
  });
  expect((await balance(cleo)).available).toBe(533);
});

test("told by a webhook, the return page, a sweep and 50 at once, an order is fulfilled once", async () => {
  const dan = await tenant("dan");
  simulator.control.setMode({ duplicate: true });
  const { location } = await pay((await startCheckout(dan, { order: { credits: 100 } })).url);
  const sessionId = sessionIdOf(location);
  await Promise.all([
    ...Array.from({ length: 25 }, () => completeReturn(dan, { sessionId })),
    ...Array.from({ length: 25 }, () => syncCustomer(dan)),
    settled(),
  ]);
  simulator.control.setMode({ duplicate: false });
  expect(await lotsOf(dan)).toHaveLength(1);
  expect((await balance(dan)).available).toBe(100);
  const audits = await owner`
    select details from audit_events where tenant_id = ${dan.tenant.id} and action = 'order.fulfilled'`;
  expect(audits).toHaveLength(1);
  expect(audits[0]?.details).toMatchObject({
    origin: "checkout",
    session: sessionId,
    payment: expect.stringMatching(/^pi_/),
    plan: null,
    days: null,
    credits: 100,
    totalMinor: 500,
    taxMinor: 0,
    currency: "usd",
  });
});

test("50 that fulfil one order at once give once, and each knows whether it was the one", async () => {
  const ada = await tenant("ada");
  const { id } = await inTenant(ada, (_tx, inner) =>
    placeOrder(inner, {
      origin: "checkout",
      currency: "usd",
      lines: [{ kind: "credits", name: "100 credits", credits: 100, amountMinor: 500n }],
    }),
  );
  const payment = { paymentId: "pi_once", paidAt: clock.now(), totalMinor: 500n, currency: "usd" };
  const given = await Promise.all(
    Array.from({ length: 50 }, () => inTenant(ada, (_tx, inner) => fulfilOrder(inner, id, payment))),
  );
  expect(given.filter(Boolean)).toHaveLength(1);
  expect((await balance(ada)).available).toBe(100);
});

test("a webhook that fulfils leaves its event's id", async () => {
  const bo = await tenant("bo");
  await set.buy(bo, { pack: "credits_100" });
  const [row] = await owner`
    select details ->> 'event' as event from audit_events where tenant_id = ${bo.tenant.id} and action = 'order.fulfilled'`;
  expect(row?.event).toMatch(/^evt_/);
});

test("what can't be bought is refused before any payment page, and nothing is written", async () => {
  const cleo = await tenant("cleo");
  const before = simulator.events.length;
  const wishes = [
    {},
    { credits: 0 },
    { credits: -5 },
    { credits: 10.5 },
    { credits: Number.NaN },
    { credits: 9 },
    { credits: 100_001 },
    { credits: 1_000_001 },
    { credits: 2 ** 53 },
    { plan: "gold" },
    { plan: "gold", credits: 100 },
    { plan: "free", credits: 100 },
    { plan: "custom", credits: 100 },
    { plan: "pro", periods: 2 },
    { pack: "credits_1" },
    { pack: "credits_100", plan: "gold" },
  ];
  for (const order of wishes)
    await expect(startCheckout(cleo, { order }), JSON.stringify(order)).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
  await expect(startCheckout(cleo, { order: {} })).rejects.toThrow("Nothing to purchase.");
  expect(simulator.events.length).toBe(before);
  expect(await ordersOf(cleo)).toEqual([]);
});

test("the same wish gets the same page; another amount closes it, and its order with it", async () => {
  const dan = await tenant("dan");
  const first = await startCheckout(dan, { order: { credits: 100 } });
  expect(await startCheckout(dan, { order: { credits: 100 } })).toEqual(first);
  const second = await startCheckout(dan, { order: { credits: 200 } });
  expect(second.url).not.toBe(first.url);
  expect((await ordersOf(dan)).map(({ status }) => status)).toEqual(["expired", "open"]);
  expect(await pay(first.url)).toMatchObject({ location: null });
});

test("two pages that both sell a plan are never open together; one for credits may stay", async () => {
  const ada = await tenant("ada");
  const credits = await startCheckout(ada, { order: { credits: 100 } });
  const alone = await startCheckout(ada, { plan: "pro", interval: "month" });
  const together = await startCheckout(ada, PRO_AND_250);
  const rows = await owner`select url, status from checkouts where tenant_id = ${ada.tenant.id} order by id`;
  expect(rows).toEqual([
    { url: credits.url, status: "open" },
    { url: alone.url, status: "expired" },
    { url: together.url, status: "open" },
  ]);
});

test("a payment that takes days gives when it arrives; one that fails closes the order and says so", async () => {
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  await pay((await startCheckout(bo, { order: { credits: 100 } })).url, { timing: "later_succeeds" });
  await pay((await startCheckout(cleo, { order: { credits: 100 } })).url, { timing: "later_fails" });
  await settled();
  expect(await latest(bo)).toMatchObject({ status: "open", paidAt: null, paymentId: null });
  await set.advance({ days: 4 });
  expect(await latest(bo)).toMatchObject({ status: "fulfilled", paidAt: clock.now() });
  expect(await latest(cleo)).toMatchObject({ status: "failed", failedReason: "payment failed" });
  expect([(await balance(bo)).available, (await balance(cleo)).available]).toEqual([100, 0]);
});

test("credits that expire are counted from the moment they were given", async () => {
  const dan = await tenant("dan");
  const order = await inTenant(dan, (_tx, inner) =>
    placeOrder(inner, {
      origin: "checkout",
      currency: "usd",
      lines: [{ kind: "credits", name: "100", credits: 100, creditsExpireAfterDays: 90, amountMinor: 500n }],
    }),
  );
  clock.advance({ days: 2 });
  const payment = { paymentId: "pi_later", paidAt: clock.now(), totalMinor: 500n, currency: "usd" };
  await inTenant(dan, (_tx, inner) => fulfilOrder(inner, order.id, payment));
  const [lot] = await owner`select expires_at from lots where tenant_id = ${dan.tenant.id}`;
  expect(lot?.expires_at).toEqual(new Date(clock.now().getTime() + 90 * 86_400_000));
});

test("a pack's page that a former release opened still gives what it sold, once", async () => {
  const ada = await tenant("ada");
  const { url } = await startCheckout(ada, { pack: "credits_500" });
  await owner`
    update checkouts set purpose = 'credits', order_id = null, credits_expire_after_days = 30
    where tenant_id = ${ada.tenant.id}`;
  await owner`delete from orders where tenant_id = ${ada.tenant.id}`;
  await pay(url);
  await settled();
  await syncCustomer(ada);
  expect(await latest(ada)).toMatchObject({ status: "fulfilled", total: { amountMinor: 2_000n } });
  expect((await balance(ada)).available).toBe(500);
});

test("orders are listed newest first, page by page, each tenant's own", async () => {
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  const ids: string[] = [];
  for (let at = 0; at < 5; at += 1) {
    clock.advance({ minutes: 1 });
    const lines = [{ kind: "credits" as const, name: `${at}`, credits: at + 1, amountMinor: 1n }];
    const order = { origin: "checkout" as const, currency: "usd", lines };
    ids.unshift((await inTenant(bo, (_tx, inner) => placeOrder(inner, order))).id);
  }
  const seen: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await listOrders(bo, { limit: 2, cursor });
    seen.push(...page.orders.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  expect(seen).toEqual(ids);
  expect(await listOrders(cleo)).toEqual({ orders: [], next: null });
  await expect(orderOf(cleo, { orderId: ids[0]! })).rejects.toMatchObject({ code: "NOT_FOUND" });
});
