import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { jobs } from "@/server/jobs";
import { consume } from "@/server/quota/consume";
import { status } from "@/server/quota/status";
import { ensureCustomer } from "@/server/stripe/customer";
import { pastDueOf } from "@/server/subscriptions/dunning";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUp } from "@/server/top-ups/top-up";
import { computeList } from "./compute-list";

const prices = computeList({ weekly: 1_000, ratio: 100 });
const set = await stage({ prices, poolSize: 10 });
const { ctx, tenant, owner, stripe, buy, advance, settled } = set;

const TEAM = { plan: "team", interval: "month" } as const;
const PACK = { pack: "extra_500" };
const OVERDUE = { code: "PAYMENT_OVERDUE", payUrl: expect.stringMatching(/\/i\/in_/) };

const run = (of: TenantCtx, units: number) => consume(of, { feature: "compute", units });
const limit = async (of: TenantCtx) =>
  (await status(of)).meters.find(({ feature }) => feature === "compute")?.limit;
const plan = async (of: TenantCtx) => (await subscriptionOf(of)).plan.id;
const told = async (of: TenantCtx) =>
  (
    await owner`select type, payload from outbox where tenant_id = ${of.tenant.id} and type in ('billing.payment_failed', 'billing.past_due') order by id`
  ).map(({ type, payload }) => payload.step ?? type);
const subscriptionAt = async (of: TenantCtx) =>
  (await stripe.subscriptions.list({ customer: await ensureCustomer(of), status: "all" })).data[0]!;
/** Weekly reset, pack expiry and dunning sweep: by two runners, and once more. */
const cron = async () => {
  await Promise.all([jobs.reset(ctx), jobs.reset(ctx)]);
  await jobs.reset(ctx);
  await settled();
};
/** The card that pays the packs stays good; the subscription's does not. */
const loseCard = async (of: TenantCtx) => {
  const customer = await ensureCustomer(of);
  const { id } = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer });
  await stripe.subscriptions.update((await subscriptionAt(of)).id, { default_payment_method: id });
};
const payInvoice = async (of: TenantCtx) => {
  const customer = await ensureCustomer(of);
  const [open] = (await stripe.invoices.list({ customer, status: "open" })).data;
  const { id } = await stripe.paymentMethods.attach("pm_card_visa", { customer });
  await stripe.invoices.pay(open!.id, { payment_method: id });
  await stripe.subscriptions.update((await subscriptionAt(of)).id, { default_payment_method: id });
  await settled();
};
/** Up to the moment in which the renewal has failed. */
const renew = async (of: TenantCtx) => {
  const { current_period_end: at } = (await subscriptionAt(of)).items.data[0]!;
  await advance({ seconds: at - set.clock.now().getTime() / 1_000 + 60 });
};

test("payment failed: past due from the first failure; 7 days all works, then quota but no purchases, after 14 days the free plan; every cron run twice", async () => {
  const ada = await tenant("ada");
  await buy(ada, TEAM);
  await buy(ada, { ...PACK, saveCard: true });
  await loseCard(ada);
  await renew(ada);
  expect(await pastDueOf(ada)).toMatchObject({ step: "grace", amount: { amountMinor: 4_900n } });
  expect(await told(ada)).toEqual(["billing.payment_failed"]);

  await advance({ days: 6, hours: 23 });
  await cron();
  expect(await run(ada, 100)).toMatchObject({ allowed: true });
  await buy(ada, PACK);
  expect((await balance(ada)).available).toBe(1_000);
  expect(await told(ada)).toEqual(["billing.payment_failed"]);

  await advance({ hours: 2 });
  await cron();
  expect(await run(ada, 100)).toMatchObject({ allowed: true });
  expect(await plan(ada)).toBe("team");
  await expect(startCheckout(ada, PACK)).rejects.toMatchObject(OVERDUE);
  await expect(previewChange(ada, { plan: "team", interval: "year" })).rejects.toMatchObject(OVERDUE);
  expect(await told(ada)).toEqual(["billing.payment_failed", "purchases_stopped"]);

  await advance({ days: 7 });
  await cron();
  expect(await plan(ada)).toBe("free");
  expect((await subscriptionAt(ada)).status).toBe("canceled");
  expect(await limit(ada)).toBe(100);
  expect((await balance(ada)).available).toBe(1_000);
  expect(await told(ada)).toEqual(["billing.payment_failed", "purchases_stopped", "plan_ended"]);

  // Nothing is owed for the plan that ended: a new one can be had, and so can packs.
  expect((await startCheckout(ada, PACK)).url).toContain("http");
  await buy(ada, TEAM);
  expect(await plan(ada)).toBe("team");
  expect(await limit(ada)).toBe(1_000);
});

test("paying clears it at once: packs are sold again, also by themselves, and nothing falls later", async () => {
  const bo = await tenant("bo");
  await buy(bo, TEAM);
  await buy(bo, { ...PACK, saveCard: true });
  await setAutoTopUp(bo, { enabled: true, threshold: 600, pack: PACK.pack, monthlyCapMinor: 5_000 });
  expect(await topUp(bo)).toBe("bought");
  await loseCard(bo);
  await renew(bo);
  await advance({ days: 8 });
  expect(await run(bo, 1_500)).toMatchObject({ allowed: true });
  expect(await topUp(bo)).toBe("barred");
  await payInvoice(bo);
  expect(await pastDueOf(bo)).toBeNull();
  expect((await subscriptionAt(bo)).status).toBe("active");
  // Due again at once, and not when the next hour comes.
  await jobs["top-ups"](ctx);
  expect((await balance(bo)).available).toBe(1_000);
  expect((await startCheckout(bo, PACK)).url).toContain("http");
  await advance({ days: 7 });
  await cron();
  expect(await plan(bo)).toBe("team");
  expect(await told(bo)).not.toContain("plan_ended");
});

test("a week of compute begins while nothing is paid; the last one ends with the plan, in the middle", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, TEAM);
  await loseCard(cleo);
  await renew(cleo);
  await advance({ days: 8 });
  expect(await run(cleo, 1_000)).toMatchObject({ allowed: true });
  expect(await run(cleo, 1)).toMatchObject({ allowed: false });
  set.clock.set((await pastDueOf(cleo))!.planEndsAt);
  // No cron, no webhook: the call itself finds the plan over.
  expect(await run(cleo, 101)).toMatchObject({ allowed: false });
  expect(await plan(cleo)).toBe("free");
});
