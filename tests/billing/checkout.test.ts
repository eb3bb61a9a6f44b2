import { sessionIdOf, stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { completeReturn } from "@/server/billing/return";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { status } from "@/server/quota/status";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const { tenant, owner, simulator, stripe, clock, pay, settled } = await stage({ poolSize: 10 });

const PRO = { plan: "pro", interval: "month" } as const;
const sessionsOf = async (ctx: TenantCtx) =>
  (await stripe.checkout.sessions.list({ customer: await ensureCustomer(ctx), limit: 100 })).data;
const checkoutRows = (ctx: TenantCtx) =>
  owner`select * from checkouts where tenant_id = ${ctx.tenant.id} order by id`;
const customersOf = async (ctx: TenantCtx) =>
  (await stripe.customers.list({ limit: 100 }).autoPagingToArray({ limit: 1_000 })).filter(
    (customer) => customer.metadata.tenantId === ctx.tenant.id,
  );

test("the plan is there on return, before any webhook has arrived", async () => {
  const ada = await tenant("ada");
  simulator.control.setMode({ hold: true });
  const { url } = await startCheckout(ada, PRO);
  const { status: answer, location } = await pay(url);
  expect(answer).toBe(303);
  expect(location).toContain(`http://app.test/${ada.tenant.slug}/billing/return?session_id=cs_`);
  const view = await completeReturn(ada, { sessionId: sessionIdOf(location) });
  expect(view).toMatchObject({
    status: "paid",
    purpose: "subscription",
    plan: { id: "pro", name: "Pro", version: "pro@1", interval: "month" },
  });
  expect((await status(ada)).plan).toMatchObject({ version: "pro@1" });
  simulator.control.setMode({ hold: false });
  await settled();
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "pro", version: "pro@1" },
    source: "subscription",
    subscription: {
      status: "active",
      interval: "month",
      price: { amountMinor: 1_500n, currency: "usd" },
      currentPeriodStartsAt: clock.now(),
      cancelAt: null,
    },
    hasPortal: true,
  });
});

test("the webhook alone suffices when the buyer never comes back", async () => {
  const bo = await tenant("bo");
  const { url } = await startCheckout(bo, { plan: "enterprise", interval: "year" });
  await pay(url);
  await settled();
  expect(await subscriptionOf(bo)).toMatchObject({
    plan: { version: "enterprise@1" },
    subscription: { interval: "year", price: { amountMinor: 99_000n } },
  });
});

test("50 parallel clicks make one customer and one page", async () => {
  const cleo = await tenant("cleo");
  const pages = await Promise.all(Array.from({ length: 50 }, () => startCheckout(cleo, PRO)));
  expect(new Set(pages.map(({ url }) => url)).size).toBe(1);
  expect(await sessionsOf(cleo)).toHaveLength(1);
  expect(await customersOf(cleo)).toHaveLength(1);
  expect(await checkoutRows(cleo)).toHaveLength(1);
});

test("50 parallel calls for a customer make one", async () => {
  const dan = await tenant("dan");
  const ids = await Promise.all(Array.from({ length: 50 }, () => ensureCustomer(dan)));
  expect(new Set(ids).size).toBe(1);
  expect(await customersOf(dan)).toHaveLength(1);
  expect(await owner`select customer_id from customer_directory where tenant = ${dan.tenant.id}`).toEqual([
    { customer_id: ids[0] },
  ]);
});

test("another wish closes the old page first: one page per purpose is open", async () => {
  const ada = await tenant("ada");
  const monthly = await startCheckout(ada, PRO);
  const annual = await startCheckout(ada, { plan: "pro", interval: "year" });
  const pack = await startCheckout(ada, { pack: "credits_100" });
  expect(new Set([monthly.url, annual.url, pack.url]).size).toBe(3);
  const open = (await sessionsOf(ada)).filter((session) => session.status === "open");
  expect(open.map((session) => session.url).sort()).toEqual([annual.url, pack.url].sort());
  const again = await startCheckout(ada, { plan: "pro", interval: "year" });
  expect(again).toEqual(annual);
});

test("two tabs with two wishes at once leave one open page", async () => {
  const ada = await tenant("ada");
  const wishes = Array.from({ length: 10 }, (_, at) => ({
    plan: "pro",
    interval: at % 2 === 0 ? ("month" as const) : ("year" as const),
  }));
  await Promise.all(wishes.map((wish) => startCheckout(ada, wish)));
  const open = (await sessionsOf(ada)).filter((session) => session.status === "open");
  expect(open).toHaveLength(1);
  expect((await checkoutRows(ada)).filter((row) => row.status === "open")).toHaveLength(1);
});

test("who has paid already is not sold a second subscription, even before any webhook", async () => {
  const bo = await tenant("bo");
  simulator.control.setMode({ hold: true });
  const { url } = await startCheckout(bo, PRO);
  await pay(url);
  const second = startCheckout(bo, { plan: "enterprise", interval: "month" });
  await expect(second).rejects.toMatchObject({
    code: "ALREADY_SUBSCRIBED",
    hint: expect.stringContaining("portal"),
  });
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "pro" } });
  simulator.control.setMode({ hold: false });
  await settled();
});

test("a page that expired is replaced", async () => {
  const cleo = await tenant("cleo");
  simulator.control.setMode({ drop: ["*"] });
  const first = await startCheckout(cleo, PRO);
  clock.advance({ hours: 25 });
  const second = await startCheckout(cleo, PRO);
  expect(second.url).not.toBe(first.url);
  expect((await checkoutRows(cleo)).map((row) => row.status)).toEqual(["expired", "open"]);
  simulator.control.setMode({ drop: [] });
});

test("a declined card leaves the plan as it was and the page open", async () => {
  const dan = await tenant("dan");
  const { url } = await startCheckout(dan, PRO);
  expect(await pay(url, { card: "declined" })).toMatchObject({ location: null });
  await settled();
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "free" }, subscription: null });
  expect(await startCheckout(dan, PRO)).toEqual({ url });
  await pay(url);
  await settled();
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "pro" } });
});

test("a paid pack grants what our own row says, once, however often it is told", async () => {
  const ada = await tenant("ada");
  const { url } = await startCheckout(ada, { pack: "credits_500" });
  const { location } = await pay(url);
  const sessionId = sessionIdOf(location);
  const views = await Promise.all(Array.from({ length: 10 }, () => completeReturn(ada, { sessionId })));
  await settled();
  expect(new Set(views.map((view) => JSON.stringify(view))).size).toBe(1);
  const { orderId } = views[0]!;
  expect(views[0]).toMatchObject({
    status: "paid",
    purpose: "order",
    creditsBought: 500,
    creditsAvailable: 500,
  });
  const [session] = await sessionsOf(ada);
  const lots = await owner`select source, granted from lots where tenant_id = ${ada.tenant.id}`;
  expect(lots).toEqual([{ source: `order:${orderId}:1`, granted: "500" }]);
  const audits = await owner`
    select subject, details from audit_events where tenant_id = ${ada.tenant.id} and action = 'order.fulfilled'`;
  expect(audits).toHaveLength(1);
  expect(audits[0]?.subject).toBe(orderId);
  expect(audits[0]?.details).toMatchObject({
    credits: 500,
    session: sessionId,
    payment: session?.payment_intent,
    totalMinor: 2_000,
    currency: "usd",
  });
  const next = await startCheckout(ada, { pack: "credits_500" });
  expect(next.url).not.toBe(url);
});

test("a payment on its way grants when it arrives, and never when it fails", async () => {
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  const good = await pay((await startCheckout(bo, { pack: "credits_100" })).url, {
    timing: "later_succeeds",
  });
  const bad = await pay((await startCheckout(cleo, { pack: "credits_100" })).url, { timing: "later_fails" });
  const [goodId, badId] = [sessionIdOf(good.location), sessionIdOf(bad.location)];
  expect(await completeReturn(bo, { sessionId: goodId })).toMatchObject({
    status: "processing",
    creditsAvailable: 0,
  });
  await settled();
  clock.advance({ days: 4 });
  await simulator.control.advanceTo(clock.now());
  await settled();
  expect((await balance(bo)).available).toBe(100);
  expect(await completeReturn(bo, { sessionId: goodId })).toMatchObject({ status: "paid" });
  expect((await balance(cleo)).available).toBe(0);
  expect(await completeReturn(cleo, { sessionId: badId })).toMatchObject({ status: "expired" });
});

test("what is not sold at a checkout is refused before Stripe is asked", async () => {
  const dan = await tenant("dan");
  const before = simulator.events.length;
  for (const wish of [
    { plan: "free" },
    { plan: "custom" },
    { plan: "gold" },
    { pack: "credits_1" },
    { pack: "" },
  ]) {
    await expect(startCheckout(dan, wish)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  }
  expect(simulator.events.length).toBe(before);
});

test("another tenant's session is not found, and nothing happens to either", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  simulator.control.setMode({ hold: true });
  const { location } = await pay((await startCheckout(ada, PRO)).url);
  const sessionId = sessionIdOf(location);
  await expect(completeReturn(bo, { sessionId })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "free" } });
  expect(await subscriptionOf(ada)).toMatchObject({ plan: { id: "free" } });
  simulator.control.setMode({ hold: false });
  await settled();
});
