import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { prices as tollgate } from "@/config/plans";
import { priceListProblems } from "@/lib/price-list-problems";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription, resumeSubscription } from "@/server/billing/end-subscription";
import { followSubscriptions } from "@/server/billing/jobs";
import { pauseSubscription } from "@/server/billing/pause";
import { listPaymentMethods, removePaymentMethod } from "@/server/billing/payment-methods";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { check } from "@/server/quota/check";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const prices = {
  ...tollgate,
  plans: tollgate.plans.map((plan) => (plan.id === "pro" ? { ...plan, pause: { maxDays: 60 } } : plan)),
};
const { ctx, tenant, owner, stripe, pay, buy, advance, settled, clock } = await stage({ prices });

const PRO = { plan: "pro", interval: "month" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
const LEAVING = { when: "period_end", reason: "unused" } as const;

async function subscribed(name: string, wish: typeof PRO | typeof ENTERPRISE = PRO): Promise<TenantCtx> {
  const found = await tenant(name);
  await buy(found, wish);
  return found;
}
const invoicesOf = async (tenant: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(tenant) })).data;
const totals = async (tenant: TenantCtx) => (await invoicesOf(tenant)).map(({ total }) => total);
const has = async (tenant: TenantCtx) => (await check(tenant, { feature: "voice_calls" })).allowed;
const viewOf = async (tenant: TenantCtx) => (await subscriptionOf(tenant)).subscription;
const daysLater = (days: number) => new Date(clock.now().getTime() + days * 86_400_000);
const cron = async () => {
  await settled();
  const done = await followSubscriptions(ctx);
  await settled();
  return done.pausesEnded;
};
async function withCard(tenant: TenantCtx, card: string): Promise<void> {
  const customer = await ensureCustomer(tenant);
  const { id } = await stripe.paymentMethods.attach(card, { customer });
  const { data } = await stripe.subscriptions.list({ customer, status: "all" });
  await stripe.subscriptions.update(data[0]!.id, { default_payment_method: id });
  await settled();
}

test("a pause charges nothing more, and the plan holds to the very end of what was paid for", async () => {
  const ada = await subscribed("ada");
  await advance({ days: 10 });
  const paidUntil = (await viewOf(ada))!.currentPeriodEndsAt;
  const { subscription } = await pauseSubscription(ada, {});
  expect(subscription).toMatchObject({
    status: "paused",
    pause: { since: clock.now(), paidUntil, isPaidFor: true, resumesAt: daysLater(60) },
  });
  expect(await pauseSubscription(ada, { until: daysLater(3) })).toMatchObject({ subscription });
  await advance({ seconds: (paidUntil.getTime() - clock.now().getTime()) / 1_000 - 1 });
  expect([(await subscriptionOf(ada)).plan.id, await has(ada)]).toEqual(["pro", true]);
  await advance({ seconds: 1 });
  expect([(await subscriptionOf(ada)).plan.id, await has(ada)]).toEqual(["free", false]);
  await advance({ days: 35 });
  expect(await totals(ada)).toEqual([1_500]);
  await expect(startCheckout(ada, ENTERPRISE)).rejects.toMatchObject({ code: "ALREADY_SUBSCRIBED" });
  await expect(previewChange(ada, ENTERPRISE)).rejects.toMatchObject({ code: "CONFLICT" });
  await cancelSubscription(ada, LEAVING);
  expect([await viewOf(ada), await totals(ada)]).toEqual([null, [1_500]]);
});

test("resumed before the end of what was paid for, it goes on as if nothing had been", async () => {
  const bo = await subscribed("bo");
  const { currentPeriodEndsAt } = (await viewOf(bo))!;
  await advance({ days: 5 });
  await pauseSubscription(bo, {});
  await advance({ days: 5 });
  expect((await resumeSubscription(bo)).subscription).toMatchObject({
    status: "active",
    pause: null,
    currentPeriodEndsAt,
  });
  await resumeSubscription(bo);
  expect([await totals(bo), await has(bo)]).toEqual([[1_500], true]);
  await advance({ days: 22 });
  expect([await totals(bo), await has(bo)]).toEqual([[1_500, 1_500], true]);
});

test("resumed later, a new period begins that day and is charged, once however often it is asked for", async () => {
  const cleo = await subscribed("cleo");
  await pauseSubscription(cleo, {});
  await advance({ days: 40 });
  const clicks = await Promise.all([resumeSubscription(cleo), resumeSubscription(cleo)]);
  for (const { plan, subscription } of clicks)
    expect([plan.id, subscription?.status, subscription?.currentPeriodStartsAt]).toEqual([
      "pro",
      "active",
      clock.now(),
    ]);
  expect([await totals(cleo), await has(cleo)]).toEqual([[1_500, 1_500], true]);
});

test("a card that refuses leaves it paused with a page to pay, and the plan is back with the payment", async () => {
  const dan = await subscribed("dan");
  await withCard(dan, "pm_card_chargeCustomerFail");
  await pauseSubscription(dan, {});
  await advance({ days: 40 });
  const first = await resumeSubscription(dan);
  expect(first).toMatchObject({ plan: { id: "free" }, subscription: { status: "paused" } });
  const again = await resumeSubscription(dan);
  expect(again.subscription?.payUrl).toMatch(/^http:\/\/127/);
  expect((await invoicesOf(dan)).length).toBe(2);
  await pay(again.subscription!.payUrl!);
  await settled();
  expect(await subscriptionOf(dan)).toMatchObject({
    plan: { id: "pro" },
    subscription: { status: "active" },
  });
  expect(await has(dan)).toBe(true);
});

test("it ends by itself on the day that was said; who can't be charged for 14 days after that has left", async () => {
  const ada = await subscribed("ada");
  const bo = await subscribed("bo");
  await withCard(bo, "pm_card_chargeCustomerFail");
  const until = daysLater(45);
  await pauseSubscription(ada, { until });
  await pauseSubscription(bo, { until });
  await advance({ days: 44 });
  expect(await cron()).toBe(0);
  await advance({ days: 1 });
  expect(await cron()).toBe(2);
  expect((await viewOf(ada))?.status).toBe("active");
  expect(await viewOf(bo)).toMatchObject({ status: "paused", payUrl: expect.any(String) });
  expect(await cron()).toBe(0);
  await advance({ days: 2 });
  expect(await cron()).toBe(1);
  await advance({ days: 13 });
  expect(await cron()).toBe(1);
  expect([await viewOf(bo), await cron()]).toEqual([null, 0]);
  expect((await invoicesOf(bo)).filter(({ status }) => status === "paid").length).toBe(1);
});

test("what can't be paused says why, and stays as it is", async () => {
  const cleo = await subscribed("cleo");
  const refused = (tenant: TenantCtx, until?: Date) =>
    expect(pauseSubscription(tenant, until ? { until } : {})).rejects;
  await refused(cleo, daysLater(61)).toMatchObject({ code: "INVALID_INPUT" });
  await refused(cleo, clock.now()).toMatchObject({ code: "INVALID_INPUT" });
  await refused(await tenant("dan")).toMatchObject({ code: "CONFLICT" });
  const dear = await subscribed("dan", ENTERPRISE);
  await refused(dear).toMatchObject({ code: "CONFLICT", message: "Enterprise can't be paused." });
  await cancelSubscription(cleo, LEAVING);
  await refused(cleo).toMatchObject({ code: "CONFLICT" });
  await resumeSubscription(cleo);
  const { preview } = await previewChange(dear, PRO);
  await changePlan(dear, { ...PRO, preview });
  await refused(dear).toMatchObject({ code: "CONFLICT" });
  expect((await viewOf(cleo))?.status).toBe("active");
  const asked =
    await owner`select from audit_events where tenant_id = ${cleo.tenant.id} and action = 'subscription.pause_requested'`;
  expect(asked.length).toBe(0);
  const free = { ...prices.plans[0]!, pause: { maxDays: 5 } };
  expect(priceListProblems({ ...prices, plans: [free] })).toEqual([
    expect.stringContaining("only a subscription"),
  ]);
});

test("cancelled in a pause, it ends with what was paid for, and nothing is charged", async () => {
  const dan = await subscribed("dan");
  await pauseSubscription(dan, {});
  const { subscription } = await cancelSubscription(dan, LEAVING);
  expect(subscription).toMatchObject({ status: "active", cancelAt: subscription!.currentPeriodEndsAt });
  expect(await has(dan)).toBe(true);
  await advance({ days: 32 });
  expect([await totals(dan), await viewOf(dan), await has(dan)]).toEqual([[1_500], null, false]);
});

test("the only card of a subscription that rests stays, and is the one that is charged when it goes on", async () => {
  const zoe = await subscribed("zoe");
  await pauseSubscription(zoe, {});
  const [card] = await listPaymentMethods(zoe);
  expect(card).toMatchObject({ isDefault: true });
  await expect(removePaymentMethod(zoe, { id: card!.id })).rejects.toMatchObject({ code: "CONFLICT" });
  await cancelSubscription(zoe, LEAVING);
  expect(await removePaymentMethod(zoe, { id: card!.id })).toEqual([]);
});
