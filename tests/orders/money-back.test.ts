import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { debtOf } from "@/server/ledger/debt";
import { check } from "@/server/quota/check";
import { consume } from "@/server/quota/consume";
import { syncCustomer } from "@/server/sync/sync";
import { moneyOf } from "./refunds";

const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: 30 };
const business = creditBusiness({ free: undefined, pro: undefined }, { amount });
const prices = {
  ...business,
  plans: business.plans.map((plan) =>
    plan.id === "pro"
      ? { ...plan, price: { kind: "recurring" as const, monthlyMinor: 2_000, annualMinor: null } }
      : plan,
  ),
};
const set = await stage({ prices, poolSize: 10 });
const { tenant, buy, simulator, stripe, settled, owner, post, secret, advance } = set;
const money = moneyOf(set);
const { control } = simulator;

const HUNDRED = { order: { credits: 100 } };
const spend = (ctx: TenantCtx, units: number) => consume(ctx, { feature: "pages", units });
const inboxOf = async (paymentId: string) =>
  (
    await owner`select status from webhook_inbox where type = 'refund.created'
      and payload->'data'->'object'->>'payment_intent' = ${paymentId}`
  ).map((row) => row.status);

test("the order says what became of its money, and each change is told once", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await money.refund(ada, 250);
  expect(await money.statusOf(ada)).toBe("partially_refunded");
  expect(await money.worth(ada)).toBe(75);
  await money.dispute(ada);
  expect(await money.statusOf(ada)).toBe("disputed");
  await money.decide(ada, "under_review");
  await money.decide(ada, "lost");
  expect(await money.statusOf(ada)).toBe("refunded");
  for (let again = 0; again < 3; again += 1) await syncCustomer(ada);
  const told = await money.audits(ada, "order.money_back");
  expect(told.map(({ details }) => [details.status, details.moneyBackMinor, details.credits])).toEqual([
    ["partially_refunded", 250, 25],
    ["disputed", 1_000, 100],
    ["refunded", 1_000, 100],
  ]);
  expect(told[0]!.details).toMatchObject({
    payment: await money.paymentOf(ada),
    totalMinor: 1_000,
    currency: "usd",
    event: expect.stringMatching(/^evt_/),
  });
});

test("told twice, backwards and after the fact, it comes to the same", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await spend(ada, 30);
  control.setMode({ hold: true, reverse: true, duplicate: true });
  await money.refund(ada, 300);
  await money.refund(ada, 200);
  const dispute = await money.dispute(ada);
  control.setDispute(dispute, "won");
  control.setMode({ hold: false });
  await settled();
  control.setMode({ reverse: false, duplicate: false });
  expect(await money.worth(ada)).toBe(20);
  expect(await money.statusOf(ada)).toBe("partially_refunded");
});

test("news of a refund may overtake that of the payment", async () => {
  const ada = await tenant("ada");
  control.setMode({ drop: ["checkout.session.completed", "payment_intent.succeeded"] });
  await buy(ada, HUNDRED);
  const [intent] = (await stripe.paymentIntents.list({ limit: 1 })).data;
  await stripe.refunds.create({ payment_intent: intent!.id, amount: 400 });
  await settled();
  control.setMode({ drop: [] });
  expect(await money.worth(ada)).toBe(60);
});

test("what the bank has yet to decide is looked at in every sync, even if the news of it is lost", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  const bo = await tenant("bo");
  await buy(bo, HUNDRED);
  const dispute = await money.dispute(ada);
  control.nextRefunds("pending");
  const refund = await money.refund(bo, 500);
  expect([await money.worth(ada), await money.worth(bo)]).toEqual([0, 100]);
  control.setMode({ drop: ["*"] });
  control.setDispute(dispute, "won");
  control.settleRefund(refund, "succeeded");
  await settled();
  control.setMode({ drop: [] });
  await syncCustomer(ada);
  await syncCustomer(bo);
  expect([await money.worth(ada), await money.worth(bo)]).toEqual([100, 50]);
  const [row] = await owner`select status, closed_at from disputes where tenant_id = ${ada.tenant.id}`;
  expect(row).toMatchObject({ status: "won", closed_at: expect.any(Date) });
});

test("a refund that waits takes nothing until it succeeds, and one that fails gives it again", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  control.nextRefunds("pending");
  const refund = await money.refund(ada);
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([100, "fulfilled"]);
  await money.settleRefund(refund, "succeeded");
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([0, "refunded"]);
  await money.settleRefund(refund, "failed");
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([100, "fulfilled"]);
});

test("bought, spent and charged back: nothing is free, the debt blocks, and the next purchase pays it first", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await spend(ada, 100);
  await money.dispute(ada);
  expect(await debtOf(ada)).toMatchObject({ owed: 100 });
  expect(await check(ada, { feature: "pages", units: 1 })).toMatchObject({
    allowed: false,
    reason: "blocked",
  });
  await buy(ada, { order: { credits: 150 } });
  expect(await debtOf(ada)).toEqual({ owed: 0, since: null });
  expect(await check(ada, { feature: "pages", units: 50 })).toMatchObject({ allowed: true });
  await money.decide(ada, "won");
  expect(await money.worth(ada)).toBe(150);
});

test("a dispute that is won brings no credit back to life that expired meanwhile", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await money.dispute(ada);
  await advance({ days: 31 });
  await money.decide(ada, "won");
  expect(await money.worth(ada)).toBe(0);
  const [lot] = await owner`select granted, remaining, written_off, taken_back, expires_at from lots
    where tenant_id = ${ada.tenant.id}`;
  expect(lot).toMatchObject({ granted: "100", remaining: "0", written_off: "100", taken_back: "0" });
});

test("an inquiry takes nothing", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await money.dispute(ada, 1_000, "warning_needs_response");
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([100, "fulfilled"]);
  await money.decide(ada, "needs_response");
  expect([await money.worth(ada), await money.statusOf(ada)]).toEqual([0, "disputed"]);
});

test("credits on a subscription's first invoice go back in the share of that invoice, the plan does not", async () => {
  const ada = await tenant("ada");
  await buy(ada, { order: { plan: "pro", credits: 100 } });
  await money.refund(ada, 1_500);
  expect(await money.worth(ada)).toBe(50);
  const [plan] = await owner`select source from tenant_plans where tenant_id = ${ada.tenant.id}`;
  expect(plan).toMatchObject({ source: "subscription" });
});

test("a refund of what no order sold is nobody's, and nothing happens", async () => {
  const ada = await tenant("ada");
  await buy(ada, { plan: "pro", interval: "month" });
  const [renewal] = (await stripe.paymentIntents.list({ limit: 1 })).data;
  const { id: card } = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  const stranger = await stripe.paymentIntents.create({
    amount: 500,
    currency: "usd",
    payment_method: card,
    confirm: true,
    off_session: true,
  });
  for (const { id } of [renewal!, stranger]) {
    await stripe.refunds.create({ payment_intent: id });
    await settled();
    expect(await inboxOf(id)).toEqual(["ignored"]);
  }
});

test("another tenant's money is not touched", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  await buy(ada, HUNDRED);
  await buy(bo, HUNDRED);
  await money.refund(ada);
  expect([await money.worth(ada), await money.worth(bo)]).toEqual([0, 100]);
});

test("a fraud warning is written down, and moves nothing", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  const [charge] = (await stripe.charges.list({ payment_intent: await money.paymentOf(ada) })).data;
  const payload = JSON.stringify({
    id: "evt_fraud_warning",
    object: "event",
    type: "radar.early_fraud_warning.created",
    api_version: "2026-10-28.endive",
    created: 1_772_442_000,
    livemode: false,
    data: {
      object: { id: "issfr_1", object: "radar.early_fraud_warning", charge: charge!.id, actionable: true },
    },
  });
  const signature = await stripe.webhooks.generateTestHeaderStringAsync({ payload, secret });
  const headers = { "stripe-signature": signature };
  for (let n = 0; n < 2; n += 1)
    await post(new Request("http://app.test", { method: "POST", headers, body: payload }));
  expect(await money.worth(ada)).toBe(100);
  const told = await money.audits(ada, "payment.fraud_warning");
  expect(told.map((row) => row.details)).toEqual([{ warning: "issfr_1" }]);
});
