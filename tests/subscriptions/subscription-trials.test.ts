import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { prices as tollgate } from "@/config/plans";
import type { PriceList } from "@/lib/price-list";
import { priceListProblems } from "@/lib/price-list-problems";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription } from "@/server/billing/end-subscription";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const TRIALS = { pro: { days: 14, card: true }, enterprise: { days: 7, card: false } } as const;
const withTrials = (trials: Readonly<Record<string, { days: number; card: boolean }>>): PriceList => ({
  ...tollgate,
  plans: tollgate.plans.map((plan) => ({ ...plan, ...(trials[plan.id] ? { trial: trials[plan.id]! } : {}) })),
});

const { tenant, owner, stripe, buy, pay, advance, settled, simulator } = await stage({
  prices: withTrials(TRIALS),
});

const PRO = { plan: "pro", interval: "month" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
const NOTHING = {};

const invoicesOf = async (ctx: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(ctx) })).data.filter(
    ({ total }) => total !== 0,
  );
const liveOf = async (ctx: TenantCtx) =>
  (await stripe.subscriptions.list({ customer: await ensureCustomer(ctx), status: "all" })).data[0]!;
const facts = (ctx: TenantCtx) =>
  owner`select payload from outbox where tenant_id = ${ctx.tenant.id} and type = 'billing.trial_ending'`;
/** Cards of the hosted page are all the same one. */
const forgetCards = () => owner`delete from trial_subject_directory`;
const setEmail = (ctx: TenantCtx, email: string) =>
  owner`update users set email = ${email} where id in (select user_id from members where tenant_id = ${ctx.tenant.id})`;

test("a trial gives the plan at once, costs nothing until it ends, is told of before, and then is paid", async () => {
  await forgetCards();
  const ada = await tenant("ada");
  await buy(ada, PRO);
  const endsAt = new Date("2026-03-16T09:00:00.000Z");
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "pro" },
    subscription: { status: "trialing", trialEndsAt: endsAt },
  });
  expect(await invoicesOf(ada)).toEqual([]);
  await advance({ days: 10 });
  expect(await facts(ada)).toEqual([]);
  await advance({ days: 1, hours: 1 });
  await syncCustomer(ada);
  expect((await facts(ada)).map(({ payload }) => payload)).toEqual([
    { plan: "pro@1", daysLeft: 3, endsAt: endsAt.toISOString(), amountMinor: "1500", currency: "usd" },
  ]);
  await advance({ days: 4 });
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "pro" },
    subscription: { status: "active" },
  });
  expect(await invoicesOf(ada)).toMatchObject([{ status: "paid", total: 1_500 }]);
  expect(await facts(ada)).toHaveLength(1);
});

test("a workspace that had a trial has no second one: it is asked to pay at once", async () => {
  await forgetCards();
  const bo = await tenant("bo");
  await buy(bo, PRO);
  await cancelSubscription(bo, { when: "now", reason: "other" });
  await buy(bo, PRO);
  expect(await subscriptionOf(bo)).toMatchObject({ subscription: { status: "active", trialEndsAt: null } });
  expect(await invoicesOf(bo)).toMatchObject([{ total: 1_500 }]);
});

test("the same mailbox, however it is written, has no second trial in another workspace", async () => {
  await forgetCards();
  const [cleo, dan] = [await tenant("cleo"), await tenant("dan")];
  await setEmail(cleo, "cleo.c@gmail.com");
  await setEmail(dan, "CleoC+work@googlemail.com");
  await buy(cleo, PRO);
  await buy(dan, PRO);
  expect((await subscriptionOf(cleo)).subscription?.status).toBe("trialing");
  expect((await subscriptionOf(dan)).subscription?.status).toBe("active");
});

test("a card that had its trial begins no other: the subscription ends before anything is charged", async () => {
  await forgetCards();
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  await buy(ada, PRO);
  await buy(bo, PRO);
  expect((await subscriptionOf(ada)).subscription?.status).toBe("trialing");
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "free" }, subscription: null });
  expect(await invoicesOf(bo)).toEqual([]);
  expect((await liveOf(bo)).status).toBe("canceled");
  await buy(bo, PRO);
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "pro" }, subscription: { status: "active" } });
});

test("of two workspaces of one person that begin at the same moment, one has the trial", async () => {
  await forgetCards();
  const [cleo, dan] = [await tenant("cleo"), await tenant("dan")];
  await setEmail(cleo, "two@gmail.com");
  await setEmail(dan, "t.w.o@gmail.com");
  const pages = [await startCheckout(cleo, PRO), await startCheckout(dan, PRO)];
  simulator.control.setMode({ hold: true });
  for (const { url } of pages) await pay(url);
  await Promise.all([syncCustomer(cleo), syncCustomer(dan)]);
  simulator.control.setMode({ hold: false });
  await settled();
  const statuses = await Promise.all([cleo, dan].map(async (ctx) => (await liveOf(ctx)).status));
  expect(statuses.sort()).toEqual(["canceled", "trialing"]);
});

test("without a card the trial begins all the same, and ends with the plan when none was added", async () => {
  const ada = await tenant("ada");
  const { url } = await startCheckout(ada, ENTERPRISE);
  await pay(url, NOTHING);
  await settled();
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { status: "trialing" },
  });
  const { default_payment_method: method } = await liveOf(ada);
  await advance({ days: 8 });
  if (method === null)
    expect(await subscriptionOf(ada)).toMatchObject({ plan: { id: "free" }, subscription: null });
});

test("in a trial a change takes effect at once and costs nothing, for another plan that can be tried", async () => {
  await forgetCards();
  const bo = await tenant("bo");
  await buy(bo, PRO);
  const preview = await previewChange(bo, ENTERPRISE);
  expect(preview).toMatchObject({ timing: "now", dueNow: { amountMinor: 0n }, lines: [] });
  await changePlan(bo, { ...ENTERPRISE, preview: preview.preview });
  expect(await subscriptionOf(bo)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { status: "trialing" },
  });
  await advance({ days: 15 });
  expect(await invoicesOf(bo)).toMatchObject([{ total: 9_900 }]);
  expect(preview.next.amount.amountMinor).toBe(9_900n);
});

test("a trial of a prepaid or free plan, or of no days, is no price list", () => {
  expect(priceListProblems(withTrials(TRIALS))).toEqual([]);
  expect(priceListProblems(withTrials({ free: { days: 3, card: false } }))).toHaveLength(1);
  for (const days of [0, -1, 1.5, 731])
    expect(priceListProblems(withTrials({ pro: { days, card: true } }))).toHaveLength(1);
});
