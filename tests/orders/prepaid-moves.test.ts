import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription, resumeSubscription } from "@/server/billing/end-subscription";
import { paidDays, previewCheckout } from "@/server/billing/paid-days";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { tellPlansEnding } from "@/server/orders/jobs";
import { listOrders } from "@/server/orders/orders";
import { check } from "@/server/quota/check";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { mayTry } from "@/server/subscriptions/subscription-trial";
import { syncCustomer } from "@/server/sync/sync";

const limits = (calls: number) => ({ calls });
const WEEK = { kind: "prepaid", priceMinor: 700, days: 7, creditsPerDayLeft: 10 } as const;
const prices = definePriceList({
  currency: "usd",
  features: {
    calls: {
      kind: "meter",
      name: "Calls",
      unit: "call",
      window: "day",
      align: "calendar",
      overflow: { to: "deny" },
    },
  },
  plans: [
    { id: "basic", name: "Basic", tagline: "", price: { kind: "free" }, limits: limits(1) },
    { id: "week", name: "Week", tagline: "", price: WEEK, limits: limits(2) },
    {
      id: "month",
      name: "Month",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 6_000, days: 30 },
      limits: limits(3),
    },
    {
      id: "pro",
      name: "Pro",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 9_000, annualMinor: 90_000 },
      limits: limits(4),
    },
    {
      id: "tried",
      name: "Tried",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 9_500, annualMinor: null },
      limits: limits(5),
      trial: { days: 14, card: true },
    },
  ],
  packs: [{ id: "p100", name: "100 credits", credits: 100, priceMinor: 100, expiresAfterDays: null }],
  defaultPlan: "basic",
});
const { ctx, tenant, clock, owner, stripe, simulator, buy, pay, advance, settled } = await stage({
  prices,
  poolSize: 10,
});

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);
const usd = (amountMinor: bigint) => ({ amountMinor, currency: "usd" });
const PRO = { plan: "pro" } as const;
const MONTH = { plan: "month" } as const;
const planOf = async (of: TenantCtx) => (await subscriptionOf(of)).plan.id;
/** What the gate lets through on a day says which plan it holds to. */
const gateOf = async (of: TenantCtx) => (await check(of, { feature: "calls" })).planVersion;
/** What subscriptions were charged, and for which time. */
const charged = async (of: TenantCtx) => {
  const { data } = await stripe.invoices.list({ customer: await ensureCustomer(of), limit: 100 });
  return data
    .filter(({ total }) => total > 0)
    .map(({ total, lines: { data: lines } }) => ({ total, from: new Date(lines[0]!.period.start * 1_000) }))
    .reverse();
};
const told = async (of: TenantCtx, type: string) =>
  (
    await owner`select payload from outbox where tenant_id = ${of.tenant.id} and type = ${type} order by id`
  ).map(({ payload }) => payload);
const refund = async (of: TenantCtx, amount?: number) => {
  const [order] = (await listOrders(of)).orders;
  await stripe.refunds.create({ payment_intent: order!.paymentId!, ...(amount ? { amount } : {}) });
  await settled();
};

test("a subscription bought while days are paid for begins when they end, to the second, and no day is charged twice", async () => {
  const ada = await tenant("ada");
  await buy(ada, MONTH);
  const endsAt = inDays(30);
  await advance({ days: 10 });
  const preview = await previewCheckout(ada, PRO);
  expect(preview).toMatchObject({
    dueNow: usd(0n),
    subscription: { beginsAt: endsAt, firstPayment: { at: endsAt, amount: usd(9_000n) } },
    days: { plan: { id: "month" }, waiting: null, endsAt },
  });
  await buy(ada, PRO);
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "month" },
    source: "prepaid",
    subscription: { plan: { id: "pro" }, status: "trialing", beginsAt: endsAt },
  });
  await expect(previewChange(ada, { plan: "pro", interval: "year" })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  await advance({ days: 17, hours: 1 });
  await syncCustomer(ada);
  expect(await tellPlansEnding(ctx)).toEqual({ plansEndingTold: 0 });
  expect(await told(ada, "billing.trial_ending")).toEqual([
    {
      plan: "pro@1",
      daysLeft: 3,
      endsAt: endsAt.toISOString(),
      amountMinor: "9000",
      currency: "usd",
      begins: true,
    },
  ]);
  expect(await charged(ada)).toEqual([]);
  clock.set(endsAt);
  // Before any news: nobody falls between the two.
  expect([await gateOf(ada), await planOf(ada)]).toEqual(["month@1", "month"]);
  await advance({});
  expect([await gateOf(ada), await planOf(ada), await paidDays(ada)]).toEqual(["pro@1", "pro", null]);
  expect(await charged(ada)).toEqual([{ total: 9_000, from: endsAt }]);
});

test("with less than two days left, or when it is wished, it begins at once, and the days wait until it ends", async () => {
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  for (const of of [bo, cleo]) await buy(of, MONTH);
  await advance({ days: 20 });
  const now = { ...PRO, begins: "now" } as const;
  expect(await previewCheckout(cleo, now)).toMatchObject({
    subscription: { beginsAt: clock.now() },
    days: { waiting: { at: null }, endsAt: null },
  });
  await buy(cleo, now);
  expect(await planOf(cleo)).toBe("pro");
  await cancelSubscription(cleo, { when: "now", reason: "unused" });
  expect([await planOf(cleo), await paidDays(cleo)]).toEqual([
    "month",
    { plan: { id: "month", name: "Month" }, waiting: null, endsAt: inDays(10) },
  ]);
  await advance({ days: 8, hours: 6 });
  expect((await previewCheckout(bo, PRO)).subscription?.beginsAt).toEqual(clock.now());
  await buy(bo, PRO);
  expect([await planOf(bo), await paidDays(bo)]).toMatchObject([
    "pro",
    { waiting: { at: null }, endsAt: null },
  ]);
  await cancelSubscription(bo, { when: "period_end", reason: "unused" });
  const { cancelAt } = (await subscriptionOf(bo)).subscription!;
  const over = new Date(cancelAt!.getTime() + (DAY_MS * 42) / 24);
  expect(await paidDays(bo)).toMatchObject({ waiting: { at: cancelAt }, endsAt: over });
  clock.set(cancelAt!);
  await advance({});
  expect([await planOf(bo), await paidDays(bo)]).toMatchObject(["month", { waiting: null, endsAt: over }]);
  clock.set(over);
  expect(await gateOf(bo)).toBe("basic@1");
});

test("a subscription that was cancelled while it waited cost nothing, gave nothing, and used up no trial", async () => {
  const dan = await tenant("dan");
  await owner`delete from trial_subject_directory`;
  await buy(dan, MONTH);
  await buy(dan, { plan: "tried" });
  const endsAt = inDays(30);
  await cancelSubscription(dan, { when: "period_end", reason: "unused" });
  expect(await subscriptionOf(dan)).toMatchObject({ plan: { id: "month" }, endsAt });
  await advance({ days: 27, hours: 1 });
  await tellPlansEnding(ctx);
  expect(await told(dan, "billing.plan_ending")).toMatchObject([
    { plan: "month@1", daysLeft: 3, cancelled: false },
  ]);
  expect(await told(dan, "billing.trial_ending")).toEqual([]);
  clock.set(endsAt);
  expect(await gateOf(dan)).toBe("basic@1");
  await advance({ hours: 1 });
  expect([await planOf(dan), await charged(dan), await mayTry(dan)]).toEqual(["basic", [], true]);
});

test("days whose money goes back end; the subscription begins when it was said, and not a day sooner", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  for (const of of [ada, bo]) {
    await buy(of, MONTH);
    await buy(of, PRO);
  }
  const endsAt = inDays(30);
  await advance({ days: 5 });
  await refund(ada);
  expect([await planOf(ada), await gateOf(ada), await paidDays(ada)]).toEqual(["basic", "basic@1", null]);
  await refund(bo, 3_000);
  expect((await paidDays(bo))?.endsAt).toEqual(inDays(10));
  await advance({ days: 10 });
  expect([await gateOf(bo), await planOf(bo)]).toEqual(["basic@1", "basic"]);
  clock.set(endsAt);
  simulator.control.declineNext(1);
  await advance({});
  for (const of of [ada, bo]) expect(await charged(of)).toEqual([{ total: 9_000, from: endsAt }]);
  // One of them was declined: it is a renewal that was not paid like any other.
  const states = await Promise.all(
    [ada, bo].map(async (of) => (await subscriptionOf(of)).subscription?.status),
  );
  expect(states.sort()).toEqual(["active", "past_due"]);
  expect([await planOf(ada), await planOf(bo)]).toEqual(["pro", "pro"]);
});

test("days bought beside a subscription begin where it ends, which it does when it is agreed and once they are paid", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, PRO);
  const at = (await subscriptionOf(cleo)).subscription!.currentPeriodEndsAt;
  await expect(startCheckout(cleo, { plan: "week" })).rejects.toMatchObject({
    code: "ALREADY_SUBSCRIBED",
    message: expect.stringContaining(`renews on ${at.toISOString().slice(0, 10)}`),
  });
  const wish = { order: { plan: "week", periods: 2, pack: "p100", endsSubscription: true } };
  const over = new Date(at.getTime() + 14 * DAY_MS);
  const days = { plan: { id: "week" }, waiting: { at }, endsAt: over };
  expect(await previewCheckout(cleo, wish)).toMatchObject({
    dueNow: usd(1_500n),
    days,
    endsSubscription: { at },
  });
  const { url } = await startCheckout(cleo, wish);
  await advance({ days: 1 });
  // Nobody paid, so nothing ends.
  expect((await subscriptionOf(cleo)).subscription?.cancelAt).toBeNull();
  expect(await pay(url)).toMatchObject({ location: null });
  const again = await startCheckout(cleo, wish);
  simulator.control.failNext("close", 1, 4);
  await pay(again.url);
  await settled();
  await syncCustomer(cleo);
  expect(await subscriptionOf(cleo)).toMatchObject({ plan: { id: "pro" }, subscription: { cancelAt: at } });
  expect(await paidDays(cleo)).toMatchObject(days);
  await tellPlansEnding(ctx);
  clock.set(at);
  await advance({});
  expect([await planOf(cleo), await gateOf(cleo)]).toEqual(["week", "week@1"]);
  expect(await told(cleo, "billing.plan_ending")).toEqual([]);
  expect((await charged(cleo)).map(({ total }) => total)).toEqual([9_000]);
  clock.set(over);
  expect(await gateOf(cleo)).toBe("basic@1");
});

test("who resumes the subscription is not overruled: the days wait on; given back, they leave the subscription as it is", async () => {
  const dan = await tenant("dan");
  await buy(dan, PRO);
  const at = (await subscriptionOf(dan)).subscription!.currentPeriodEndsAt;
  await buy(dan, { plan: "week", endsSubscription: true });
  expect((await resumeSubscription(dan)).subscription?.cancelAt).toBeNull();
  expect(await paidDays(dan)).toMatchObject({ waiting: { at: null }, endsAt: null });
  await cancelSubscription(dan, { when: "period_end", reason: "unused" });
  await refund(dan);
  expect([await paidDays(dan), (await subscriptionOf(dan)).subscription?.cancelAt]).toEqual([null, at]);
  clock.set(at);
  await advance({});
  expect(await planOf(dan)).toBe("basic");
});

test("a page that ends a subscription closes before that renews, and none opens in the last hour", async () => {
  const ada = await tenant("ada");
  await buy(ada, PRO);
  const at = (await subscriptionOf(ada)).subscription!.currentPeriodEndsAt;
  clock.set(new Date(at.getTime() - 20 * 3_600_000));
  const wish = { plan: "week", endsSubscription: true };
  const { url } = await startCheckout(ada, wish);
  const session = await stripe.checkout.sessions.retrieve(new URL(url).pathname.split("/").at(-1)!);
  expect(session.expires_at * 1_000).toBe(at.getTime() - 600_000);
  clock.set(new Date(at.getTime() - 30 * 60_000));
  await expect(startCheckout(ada, wish)).rejects.toMatchObject({ code: "CONFLICT" });
});

test("what is bought with a subscription that waits is refused; extending days and upgrading them is previewed to the day", async () => {
  const bo = await tenant("bo");
  await buy(bo, { plan: "week" });
  await expect(startCheckout(bo, { order: { plan: "pro", pack: "p100" } })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  const { days } = await previewCheckout(bo, { order: { plan: "week", periods: 2 } });
  expect(days?.endsAt).toEqual(inDays(21));
  clock.advance({ days: 2 });
  const upgrade = await previewCheckout(bo, MONTH);
  expect(upgrade).toMatchObject({ days: { plan: { id: "month" }, endsAt: inDays(35) }, compensation: 50 });
  await buy(bo, MONTH);
  expect((await paidDays(bo))?.endsAt).toEqual(upgrade.days?.endsAt);
});
