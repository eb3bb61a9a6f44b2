import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { openPortal } from "@/server/billing/portal";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { status } from "@/server/quota/status";
import { ensureCustomer, knownCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { inbox } from "@/server/sync/jobs";
import { syncCustomer } from "@/server/sync/sync";

const { tenant, owner, simulator, stripe, clock, pay, buy, advance, settled } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const liveOf = async (ctx: TenantCtx) => {
  const { data } = await stripe.subscriptions.list({ customer: await ensureCustomer(ctx) });
  return data[0]!;
};
const audits = (ctx: TenantCtx, action: string) =>
  owner`select * from audit_events where tenant_id = ${ctx.tenant.id} and action = ${action} order by id`;
const meter = async (ctx: TenantCtx, feature: string) =>
  (await status(ctx)).meters.find((one) => one.feature === feature);
const priceIdOf = async (lookupKey: string) =>
  (await owner`select price_id from stripe_prices where lookup_key = ${lookupKey}`)[0]?.price_id as string;
async function press(portalUrl: string, step: string, fields: Record<string, string>): Promise<void> {
  const body = new URLSearchParams(fields);
  await fetch(`${portalUrl}${step}`, { method: "POST", body, redirect: "manual" });
  await settled();
}

test("cancelled in the portal, the plan lasts to the period's end and then falls to free", async () => {
  const ada = await tenant("ada");
  await buy(ada, PRO);
  await consume(ada, { feature: "compute", units: 500 });
  const { id } = await liveOf(ada);
  await press((await openPortal(ada)).url, "/cancel", { subscription: id });
  const endsAt = new Date("2026-04-02T09:00:00.000Z");
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "pro" },
    subscription: { status: "active", cancelAt: endsAt, currentPeriodEndsAt: endsAt },
  });
  await advance({ days: 32 });
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "free" },
    source: "default",
    subscription: null,
  });
  expect(await meter(ada, "compute")).toMatchObject({ limit: 100 });
  expect((await audits(ada, "plan.changed")).map((row) => row.subject)).toEqual([
    "free@1",
    "pro@1",
    "free@1",
  ]);
});

test("an upgrade in the portal raises the limits at once and keeps what was used", async () => {
  const bo = await tenant("bo");
  await buy(bo, PRO);
  await consume(bo, { feature: "compute", units: 1_500 });
  const price = await priceIdOf("enterprise@1:month");
  await press((await openPortal(bo)).url, "/switch", { subscription: (await liveOf(bo)).id, price });
  expect(await subscriptionOf(bo)).toMatchObject({
    plan: { version: "enterprise@1" },
    subscription: { price: { amountMinor: 9_900n } },
  });
  expect(await meter(bo, "compute")).toMatchObject({ limit: 20_000, used: 1_500 });
});

test("a failed renewal keeps the plan while Stripe tries again, and loses it when Stripe gives up", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, PRO);
  const subscription = await liveOf(cleo);
  const method = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", {
    customer: await ensureCustomer(cleo),
  });
  await stripe.subscriptions.update(subscription.id, { default_payment_method: method.id });
  await advance({ days: 31, minutes: 1 });
  expect(await subscriptionOf(cleo)).toMatchObject({
    plan: { id: "pro" },
    subscription: { status: "past_due" },
  });
  await advance({ days: 20 });
  expect(await subscriptionOf(cleo)).toMatchObject({ plan: { id: "free" }, subscription: null });
});

test("of two live subscriptions the dearest decides, it is told once, and the other takes over", async () => {
  const dan = await tenant("dan");
  await buy(dan, PRO);
  const customer = await ensureCustomer(dan);
  await stripe.paymentMethods
    .attach("pm_card_visa", { customer })
    .then((method) =>
      stripe.customers.update(customer, { invoice_settings: { default_payment_method: method.id } }),
    );
  const price = await priceIdOf("enterprise@1:month");
  const second = await stripe.subscriptions.create({ customer, items: [{ price }] });
  await settled();
  await syncCustomer(dan);
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "enterprise" } });
  expect(await audits(dan, "subscription.several_live")).toHaveLength(1);
  await stripe.subscriptions.cancel(second.id);
  await settled();
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "pro" } });
});

test("a subscription at a price that is none of ours gives no plan and sells no second one", async () => {
  const ada = await tenant("ada");
  const customer = await ensureCustomer(ada);
  const method = await stripe.paymentMethods.attach("pm_card_visa", { customer });
  const price = await stripe.prices.create({
    currency: "usd",
    unit_amount: 1,
    recurring: { interval: "month" },
    product_data: { name: "Other" },
    metadata: { planVersion: "enterprise@1" },
  });
  const items = [{ price: price.id }];
  await stripe.subscriptions.create({ customer, items, default_payment_method: method.id });
  await settled();
  expect(await subscriptionOf(ada)).toMatchObject({ plan: { id: "free" }, subscription: null });
  expect(await audits(ada, "subscription.unknown_price")).toHaveLength(1);
  await expect(startCheckout(ada, PRO)).rejects.toMatchObject({ code: "ALREADY_SUBSCRIBED" });
});

test("with every webhook lost, one look later is enough", async () => {
  const bo = await tenant("bo");
  simulator.control.setMode({ drop: ["*"] });
  const pages = [await startCheckout(bo, PRO), await startCheckout(bo, { pack: "credits_2000" })];
  for (const { url } of pages) await pay(url);
  await settled();
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "free" } });
  await syncCustomer(bo);
  simulator.control.setMode({ drop: [] });
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "pro" } });
  expect((await status(bo)).credits).toEqual({ available: 2_000 });
});

test("a webhook whose look at Stripe fails is finished by the sweeper", async () => {
  const cleo = await tenant("cleo");
  const { url } = await startCheckout(cleo, { pack: "credits_100" });
  simulator.control.setMode({ hold: true });
  await pay(url);
  simulator.control.failNext("500", 3);
  simulator.control.setMode({ hold: false });
  await settled();
  const failed = await owner`select * from webhook_inbox where status = 'pending'`;
  expect(failed).toHaveLength(1);
  expect(failed[0]).toMatchObject({ attempts: 1, last_error: expect.stringContaining("An error injected") });
  expect((await status(cleo)).credits).toEqual({ available: 0 });
  await owner`update webhook_inbox set available_at = clock_timestamp() where status = 'pending'`;
  expect(await inbox(cleo)).toMatchObject({ done: 1, failed: 0 });
  expect((await status(cleo)).credits).toEqual({ available: 100 });
});

test("a customer deleted at Stripe loses the plan, and the next checkout makes a new one", async () => {
  const dan = await tenant("dan");
  await buy(dan, PRO);
  const first = await ensureCustomer(dan);
  await stripe.customers.del(first);
  await settled();
  expect(await knownCustomer(dan)).toBeNull();
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "free" }, hasPortal: false });
  await buy(dan, PRO);
  expect(await ensureCustomer(dan)).not.toBe(first);
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "pro" }, hasPortal: true });
});

test("a tenant on an operator's plan keeps it without a subscription", async () => {
  const ada = await tenant("ada");
  await ensureCustomer(ada);
  await owner`update tenant_plans set source = 'operator' where tenant_id = ${ada.tenant.id}`;
  await syncCustomer(ada);
  expect(await subscriptionOf(ada)).toMatchObject({ source: "operator" });
});

test("a renewal moves the period on and changes nothing else", async () => {
  const bo = await tenant("bo");
  await buy(bo, { plan: "enterprise", interval: "month" });
  const startedAt = clock.now();
  await advance({ days: 31, minutes: 1 });
  const { subscription, plan } = await subscriptionOf(bo);
  expect(plan.id).toBe("enterprise");
  expect(subscription?.currentPeriodStartsAt.getTime()).toBeGreaterThan(startedAt.getTime());
  expect(await audits(bo, "plan.changed")).toHaveLength(2);
});
