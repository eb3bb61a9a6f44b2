import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { prices as tollgate } from "@/config/plans";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription } from "@/server/billing/end-subscription";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { check } from "@/server/quota/check";
import { ensureCustomer } from "@/server/stripe/customer";
import { priceIdsOf } from "@/server/stripe/prices";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const prices = {
  ...tollgate,
  plans: tollgate.plans.map((plan) =>
    plan.id === "pro" ? { ...plan, pause: { maxDays: 60 }, trial: { days: 14, card: true } } : plan,
  ),
};
const { ctx, tenant, owner, stripe, pay, buy, advance, settled, simulator } = await stage({ prices });

const PRO = { plan: "pro", interval: "month" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
const NOW = { when: "now", reason: "unused" } as const;

const has = async (of: TenantCtx) => (await check(of, { feature: "sso" })).allowed;
const statusesOf = async (of: TenantCtx) =>
  (await stripe.subscriptions.list({ customer: await ensureCustomer(of), status: "all" })).data.map(
    ({ status }) => status,
  );
const invoicesOf = async (of: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(of) })).data;
const later = async (
  of: TenantCtx,
  timing: string,
  wish: Parameters<typeof startCheckout>[1] = ENTERPRISE,
) => {
  await pay((await startCheckout(of, wish)).url, { timing });
  await settled();
};
async function withCard(of: TenantCtx, card: string): Promise<string> {
  const customer = await ensureCustomer(of);
  const { id } = await stripe.paymentMethods.attach(card, { customer });
  const { data } = await stripe.subscriptions.list({ customer });
  if (data[0]) await stripe.subscriptions.update(data[0].id, { default_payment_method: id });
  return id;
}
/** A subscription whose first payment fails, as somebody at Stripe might begin one. */
async function incomplete(of: TenantCtx): Promise<void> {
  const lookupKey = "enterprise@1:month";
  const price = (await priceIdsOf(ctx, [{ lookupKey }])).get(lookupKey)!;
  const customer = await ensureCustomer(of);
  const default_payment_method = await withCard(of, "pm_card_chargeCustomerFail");
  await stripe.subscriptions.create({ customer, items: [{ price }], default_payment_method });
}
async function failing(of: TenantCtx): Promise<void> {
  await buy(of, ENTERPRISE);
  await withCard(of, "pm_card_chargeCustomerFail");
  await advance({ days: 32 });
}

/** How each status comes about. */
const ways: Record<string, (of: TenantCtx) => Promise<unknown>> = {
  incomplete,
  incomplete_expired: async (of) => {
    await incomplete(of);
    await advance({ hours: 24 });
  },
  trialing: async (of) => {
    await owner`delete from trial_subject_directory`;
    await buy(of, PRO);
  },
  active: (of) => buy(of, ENTERPRISE),
  past_due: failing,
  paused: async (of) => {
    await buy(of, ENTERPRISE);
    const { data } = await stripe.subscriptions.list({ customer: await ensureCustomer(of) });
    await stripe.subscriptions.pause(data[0]!.id);
  },
  canceled: async (of) => {
    await buy(of, ENTERPRISE);
    await cancelSubscription(of, NOW);
  },
};

// What stands in docs/subscriptions.md: the status, the plan that it gives, what is shown, and whether another may be bought.
const STATES = [
  ["incomplete", "free", null, "sold"],
  ["incomplete_expired", "free", null, "sold"],
  ["trialing", "pro", "trialing", "ALREADY_SUBSCRIBED"],
  ["active", "enterprise", "active", "ALREADY_SUBSCRIBED"],
  ["past_due", "enterprise", "past_due", "PAYMENT_OVERDUE"],
  ["paused", "free", "paused", "ALREADY_SUBSCRIBED"],
  ["canceled", "free", null, "sold"],
] as const;

test.for(STATES)(
  "%s: the plan is %s, what is shown %s, and buying a plan is %s",
  async ([status, plan, shown, sale]) => {
    const ada = await tenant("ada");
    await ways[status]!(ada);
    await settled();
    await syncCustomer(ada);
    const view = await subscriptionOf(ada);
    const answer = await startCheckout(ada, ENTERPRISE).then(
      () => "sold",
      (error: { code: string }) => error.code,
    );
    expect(await statusesOf(ada)).toEqual([status]);
    expect([view.plan.id, view.subscription?.status ?? null, answer]).toEqual([plan, shown, sale]);
    expect(await has(ada)).toBe(plan === "enterprise");
  },
);

test("who comes back after the end is the same customer, has no second trial, and pays at once", async () => {
  await owner`delete from trial_subject_directory`;
  const bo = await tenant("bo");
  await buy(bo, PRO);
  const customer = await ensureCustomer(bo);
  await cancelSubscription(bo, NOW);
  await buy(bo, PRO);
  const view = await subscriptionOf(bo);
  expect([view.plan.id, view.subscription?.status, await ensureCustomer(bo)]).toEqual([
    "pro",
    "active",
    customer,
  ]);
  expect((await invoicesOf(bo)).map(({ total }) => total)).toEqual([1_500, 0]);
  expect(await statusesOf(bo)).toEqual(["active", "canceled"]);
});

test("a card that wants its owner gives nothing before the owner has confirmed, and all of it after", async () => {
  const cleo = await tenant("cleo");
  const { url } = await startCheckout(cleo, ENTERPRISE);
  const { location } = await pay(url, { card: "three_d_secure" });
  await settled();
  expect([(await subscriptionOf(cleo)).plan.id, await has(cleo)]).toEqual(["free", false]);
  const step = new URL(location!, url).href;
  await pay(step, { outcome: "fail" });
  await settled();
  expect(await has(cleo)).toBe(false);
  const again = new URL((await pay(url, { card: "three_d_secure" })).location!, url).href;
  await pay(again, { outcome: "complete" });
  await settled();
  expect([(await subscriptionOf(cleo)).plan.id, await has(cleo)]).toEqual(["enterprise", true]);
});

test("a payment that takes days gives the plan meanwhile; the credits beside it come with the money, once", async () => {
  const dan = await tenant("dan");
  await later(dan, "later_succeeds", { order: { plan: "enterprise", interval: "month", credits: 100 } });
  expect([(await subscriptionOf(dan)).plan.id, (await balance(dan)).available]).toEqual(["enterprise", 0]);
  await expect(startCheckout(dan, PRO)).rejects.toMatchObject({ code: "ALREADY_SUBSCRIBED" });
  await advance({ days: 3 });
  expect([(await subscriptionOf(dan)).subscription?.status, (await balance(dan)).available]).toEqual([
    "active",
    100,
  ]);
  expect((await invoicesOf(dan))[0]).toMatchObject({ status: "paid" });
});

test("a payment that fails days later is past due from then on, and what was bought beside it never comes", async () => {
  simulator.control.setDunning({ retryDays: [1], finally: "cancel" });
  const ada = await tenant("ada");
  await later(ada, "later_fails", { order: { plan: "enterprise", interval: "month", credits: 100 } });
  await advance({ days: 3 });
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { status: "past_due", payUrl: expect.any(String) },
  });
  await advance({ days: 2 });
  expect([(await subscriptionOf(ada)).plan.id, (await balance(ada)).available]).toEqual(["free", 0]);
});
