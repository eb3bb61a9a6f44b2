import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { cancelSubscription, resumeSubscription, undoChange } from "@/server/billing/end-subscription";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { status } from "@/server/quota/status";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const { tenant, owner, stripe, pay, buy, advance, settled, clock } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const PRO_YEAR = { plan: "pro", interval: "year" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
const PAGE = /^http:\/\/127/;

type Wish = { plan: string; interval: "month" | "year" };
const confirm = async (ctx: TenantCtx, wish: Wish) =>
  changePlan(ctx, { ...wish, preview: (await previewChange(ctx, wish)).preview });
const liveOf = async (ctx: TenantCtx) =>
  (await stripe.subscriptions.list({ customer: await ensureCustomer(ctx) })).data[0]!;
const invoicesOf = async (ctx: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(ctx) })).data;
const limitOf = async (ctx: TenantCtx, feature: string) =>
  (await status(ctx)).meters.find((meter) => meter.feature === feature)?.limit;
const facts = (ctx: TenantCtx) =>
  owner`select payload from outbox where tenant_id = ${ctx.tenant.id} and type = 'billing.plan_changed' order by id`;
async function subscribed(name: string, wish: Wish = PRO): Promise<TenantCtx> {
  const ctx = await tenant(name);
  await buy(ctx, wish);
  return ctx;
}
async function withCard(ctx: TenantCtx, card: string): Promise<void> {
  const { id } = await stripe.paymentMethods.attach(card, { customer: await ensureCustomer(ctx) });
  await stripe.subscriptions.update((await liveOf(ctx)).id, { default_payment_method: id });
}

test("an upgrade is previewed to the cent, charged at once, and in force at once", async () => {
  const ada = await subscribed("ada");
  await advance({ days: 10, hours: 7 });
  await consume(ada, { feature: "compute", units: 500 });
  const preview = await previewChange(ada, ENTERPRISE);
  // 20 days and 17 hours of 31 days: 1500 back, 9900 to pay, each rounded on its own.
  const left = (20 * 24 + 17) / (31 * 24);
  const due = BigInt(Math.round(9_900 * left) - Math.round(1_500 * left));
  expect(preview).toMatchObject({
    timing: "now",
    dueNow: { amountMinor: due, currency: "usd" },
    creditKept: { amountMinor: 0n },
    plan: { id: "enterprise", name: "Enterprise", interval: "month" },
    next: { at: new Date("2026-04-02T09:00:00.000Z"), amount: { amountMinor: 9_900n } },
  });
  expect(preview.lines.map(({ amount }) => amount.amountMinor).reduce((a, b) => a + b)).toBe(due);
  const before = (await invoicesOf(ada)).length;
  const change = await changePlan(ada, { ...ENTERPRISE, preview: preview.preview });
  expect(change).toMatchObject({ outcome: "changed", total: { amountMinor: due }, payUrl: null });
  const invoices = await invoicesOf(ada);
  expect(invoices.length).toBe(before + 1);
  expect(invoices[0]).toMatchObject({ status: "paid", total: Number(due), amount_paid: Number(due) });
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { change: null },
  });
  expect(await limitOf(ada, "compute")).toBe(20_000);
  await advance({ days: 21 });
  expect((await invoicesOf(ada))[0]).toMatchObject({ total: 9_900, billing_reason: "subscription_cycle" });
  expect((await facts(ada)).map(({ payload }) => payload)).toMatchObject([
    { from: "pro@1", to: "enterprise@1", interval: "month" },
  ]);
});

test("what a change changes is told feature by feature, with what is over the new limit today", async () => {
  const bo = await subscribed("bo", ENTERPRISE);
  await consume(bo, { feature: "compute", units: 2_500 });
  const { limits, timing, dueNow, takesEffectAt } = await previewChange(bo, PRO);
  const { subscription } = await subscriptionOf(bo);
  expect([timing, dueNow.amountMinor, takesEffectAt]).toEqual([
    "period_end",
    0n,
    subscription?.currentPeriodEndsAt,
  ]);
  expect(limits).toContainEqual(
    expect.objectContaining({ feature: "compute", from: 20_000, to: 2_000, used: 2_500, over: 500 }),
  );
  expect(limits).toContainEqual(expect.objectContaining({ feature: "sso", from: true, to: false, over: 0 }));
  expect(limits.map(({ feature }) => feature)).not.toContain("messages");
});

test("from months to a year the rest of the month is set off, and the year begins now", async () => {
  const cleo = await subscribed("cleo");
  await advance({ days: 3 });
  const preview = await previewChange(cleo, PRO_YEAR);
  const nextYear = new Date(clock.now());
  nextYear.setUTCFullYear(nextYear.getUTCFullYear() + 1);
  expect(preview).toMatchObject({
    timing: "now",
    next: { at: nextYear, amount: { amountMinor: 15_000n } },
    limits: [],
  });
  const change = await changePlan(cleo, { ...PRO_YEAR, preview: preview.preview });
  expect(change.total).toEqual(preview.dueNow);
  expect((await invoicesOf(cleo))[0]!.total).toBe(Number(preview.dueNow.amountMinor));
  expect((await subscriptionOf(cleo)).subscription).toMatchObject({
    interval: "year",
    currentPeriodEndsAt: nextYear,
  });
});

test("more paid ahead than the dearer plan costs is kept for later invoices, and the next one says so", async () => {
  const dan = await subscribed("dan", PRO_YEAR);
  await advance({ days: 1 });
  const preview = await previewChange(dan, ENTERPRISE);
  expect(preview.dueNow.amountMinor).toBe(0n);
  expect(preview.creditKept.amountMinor).toBeGreaterThan(4_000n);
  const nextMonth = new Date(clock.now());
  nextMonth.setUTCMonth(nextMonth.getUTCMonth() + 1);
  expect(preview.next).toMatchObject({
    at: nextMonth,
    amount: { amountMinor: 9_900n - preview.creditKept.amountMinor },
  });
  await changePlan(dan, { ...ENTERPRISE, preview: preview.preview });
  await advance({ days: 31 });
  expect((await invoicesOf(dan))[0]!.amount_due).toBe(Number(preview.next.amount.amountMinor));
});

test("a double click, and eight of them, is one change and one invoice", async () => {
  const ada = await subscribed("ada");
  await advance({ days: 2 });
  const before = (await invoicesOf(ada)).length;
  const { preview } = await previewChange(ada, ENTERPRISE);
  const clicks = Array.from({ length: 8 }, () => changePlan(ada, { ...ENTERPRISE, preview }));
  const outcomes = await Promise.all(clicks);
  expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["changed"]));
  expect((await invoicesOf(ada)).length).toBe(before + 1);
});

test("a second tab's preview, an old one, and one that is made up are refused, and nothing is charged", async () => {
  const bo = await subscribed("bo");
  await advance({ days: 2 });
  const first = await previewChange(bo, ENTERPRISE);
  await advance({ seconds: 5 });
  const second = await previewChange(bo, PRO_YEAR);
  await changePlan(bo, { ...ENTERPRISE, preview: first.preview });
  const charged = (await invoicesOf(bo)).length;
  const refused = { code: "CONFLICT", message: expect.stringContaining("Something has changed") };
  await expect(changePlan(bo, { ...PRO_YEAR, preview: second.preview })).rejects.toMatchObject(refused);
  await expect(changePlan(bo, { ...PRO_YEAR, preview: first.preview })).rejects.toMatchObject(refused);
  await expect(changePlan(bo, { ...PRO_YEAR, preview: "nonsense" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
  const wish = { plan: "enterprise", interval: "year" } as const;
  const { preview } = await previewChange(bo, wish);
  const cheaper = preview.replace(/\.\d+\./, ".100.");
  await expect(changePlan(bo, { ...wish, preview: cheaper })).rejects.toMatchObject(refused);
  await advance({ minutes: 11 });
  await expect(changePlan(bo, { ...wish, preview })).rejects.toMatchObject(refused);
  expect((await invoicesOf(bo)).length).toBe(charged);
});

test("what can't be changed says why, and where to go instead", async () => {
  const cleo = await tenant("cleo");
  for (const ask of [() => previewChange(cleo, PRO), () => undoChange(cleo), () => resumeSubscription(cleo)])
    await expect(ask()).rejects.toMatchObject({ code: "CONFLICT" });
  await buy(cleo, PRO);
  for (const [wish, code] of [
    [PRO, "CONFLICT"],
    [{ plan: "free", interval: "month" }, "INVALID_INPUT"],
    [{ plan: "custom", interval: "month" }, "INVALID_INPUT"],
    [{ plan: "gone", interval: "month" }, "INVALID_INPUT"],
  ] as const)
    await expect(previewChange(cleo, wish)).rejects.toMatchObject({ code });
  await cancelSubscription(cleo, { when: "period_end", reason: "unused" });
  await expect(previewChange(cleo, ENTERPRISE)).rejects.toMatchObject({
    code: "CONFLICT",
    hint: "billing.resume",
  });
});

test("a card that refuses changes nothing; paid on the invoice's page, the change takes effect", async () => {
  const dan = await subscribed("dan");
  await withCard(dan, "pm_card_chargeCustomerFail");
  const change = await confirm(dan, ENTERPRISE);
  expect(change).toMatchObject({
    outcome: "payment_needed",
    reason: "declined",
    payUrl: expect.stringMatching(PAGE),
  });
  expect(await subscriptionOf(dan)).toMatchObject({
    plan: { id: "pro" },
    subscription: { change: { kind: "payment_needed", plan: { id: "enterprise" } }, payUrl: change.payUrl },
  });
  expect(await limitOf(dan, "compute")).toBe(2_000);
  await expect(previewChange(dan, PRO_YEAR)).rejects.toMatchObject({ hint: "billing.undoChange" });
  await pay(change.payUrl!);
  await settled();
  expect(await subscriptionOf(dan)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { change: null },
  });
  const [row] = await owner`select status from plan_changes where tenant_id = ${dan.tenant.id}`;
  expect(row?.status).toBe("changed");
});

test("a card that wants its owner waits for them, and undone its invoice can't be paid any more", async () => {
  const ada = await subscribed("ada");
  await withCard(ada, "pm_card_authenticationRequired");
  const change = await confirm(ada, ENTERPRISE);
  expect(change).toMatchObject({ outcome: "payment_needed", reason: "authentication" });
  expect(await undoChange(ada)).toMatchObject({
    plan: { id: "pro" },
    subscription: { change: null, payUrl: null },
  });
  expect(await undoChange(ada)).toMatchObject({ plan: { id: "pro" } });
  expect((await invoicesOf(ada))[0]).toMatchObject({ status: "void" });
  await expect(previewChange(ada, ENTERPRISE)).resolves.toMatchObject({ timing: "now" });
});

test("a change that nobody pays for is off after 23 hours, and the plan is what it was", async () => {
  const bo = await subscribed("bo");
  await withCard(bo, "pm_card_chargeCustomerFail");
  await confirm(bo, ENTERPRISE);
  await advance({ hours: 24 });
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "pro" }, subscription: { change: null } });
});

test("cancelled at the period's end it works until then, can be resumed, and cancelled at once it is over", async () => {
  const cleo = await subscribed("cleo");
  const ending = await cancelSubscription(cleo, {
    when: "period_end",
    reason: "too_expensive",
    comment: "Bye",
  });
  expect(ending).toMatchObject({ plan: { id: "pro" }, subscription: { cancelAt: expect.any(Date) } });
  expect((await liveOf(cleo)).cancellation_details).toMatchObject({
    feedback: "too_expensive",
    comment: "Bye",
  });
  await cancelSubscription(cleo, { when: "period_end", reason: "other" });
  expect(await resumeSubscription(cleo)).toMatchObject({ subscription: { cancelAt: null } });
  expect(await resumeSubscription(cleo)).toMatchObject({ subscription: { cancelAt: null } });
  const over = await cancelSubscription(cleo, { when: "now", reason: "switched_service" });
  expect(over).toMatchObject({ plan: { id: "free" }, subscription: null });
  await expect(cancelSubscription(cleo, { when: "now", reason: "other" })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  await expect(resumeSubscription(cleo)).rejects.toMatchObject({ code: "CONFLICT" });
  const told = await owner`select action, details from audit_events
    where tenant_id = ${cleo.tenant.id} and action like 'subscription.%' order by id`;
  expect(told.map(({ action }) => action)).toEqual([
    "subscription.cancel_requested",
    "subscription.resume_requested",
    "subscription.cancel_requested",
  ]);
  await buy(cleo, ENTERPRISE);
  expect(await subscriptionOf(cleo)).toMatchObject({ plan: { id: "enterprise" }, source: "subscription" });
  await expect(startCheckout(cleo, PRO)).rejects.toMatchObject({ code: "ALREADY_SUBSCRIBED" });
});
