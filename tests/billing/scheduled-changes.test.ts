import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { changePlan } from "@/server/billing/change-plan";
import { cancelSubscription, resumeSubscription, undoChange } from "@/server/billing/end-subscription";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const { tenant, owner, stripe, buy, advance } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const PRO_YEAR = { plan: "pro", interval: "year" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;

type Wish = { plan: string; interval: "month" | "year" };
const confirm = async (ctx: TenantCtx, wish: Wish) =>
  changePlan(ctx, { ...wish, preview: (await previewChange(ctx, wish)).preview });
const liveOf = async (ctx: TenantCtx) =>
  (await stripe.subscriptions.list({ customer: await ensureCustomer(ctx) })).data[0]!;
const invoicesOf = async (ctx: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(ctx) })).data;
async function subscribed(name: string, wish: Wish): Promise<TenantCtx> {
  const ctx = await tenant(name);
  await buy(ctx, wish);
  return ctx;
}

test("a downgrade waits for the end of what is paid for, costs nothing now, and then what was said", async () => {
  const ada = await subscribed("ada", ENTERPRISE);
  await advance({ days: 5 });
  const before = (await invoicesOf(ada)).length;
  const preview = await previewChange(ada, PRO);
  const change = await changePlan(ada, { ...PRO, preview: preview.preview });
  const endsAt = (await subscriptionOf(ada)).subscription?.currentPeriodEndsAt;
  expect(change).toMatchObject({ outcome: "scheduled", effectiveAt: endsAt });
  expect(await subscriptionOf(ada)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { change: { kind: "scheduled", plan: { id: "pro" }, interval: "month", at: endsAt } },
  });
  expect((await invoicesOf(ada)).length).toBe(before);
  await advance({ days: 27 });
  expect(await subscriptionOf(ada)).toMatchObject({ plan: { id: "pro" }, subscription: { change: null } });
  const [invoice] = await invoicesOf(ada);
  expect([preview.next.at, BigInt(invoice!.amount_due)]).toEqual([endsAt, preview.next.amount.amountMinor]);
  await advance({ days: 31 });
  expect((await invoicesOf(ada))[0]).toMatchObject({ total: 1_500, status: "paid" });
});

test("a scheduled change is undone, and the subscription renews as before", async () => {
  const bo = await subscribed("bo", ENTERPRISE);
  await confirm(bo, PRO);
  await expect(previewChange(bo, PRO_YEAR)).rejects.toMatchObject({
    code: "CONFLICT",
    hint: "billing.undoChange",
  });
  expect(await undoChange(bo)).toMatchObject({ plan: { id: "enterprise" }, subscription: { change: null } });
  expect(await undoChange(bo)).toMatchObject({ subscription: { change: null } });
  await advance({ days: 32 });
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "enterprise" } });
  expect((await invoicesOf(bo))[0]).toMatchObject({ total: 9_900 });
});

test("from a year to months the year is used up first", async () => {
  const cleo = await subscribed("cleo", PRO_YEAR);
  const { subscription } = await subscriptionOf(cleo);
  const change = await confirm(cleo, PRO);
  expect(change).toMatchObject({ outcome: "scheduled", effectiveAt: subscription?.currentPeriodEndsAt });
  await advance({ days: 366 });
  expect((await subscriptionOf(cleo)).subscription).toMatchObject({ interval: "month", change: null });
  expect((await invoicesOf(cleo))[0]).toMatchObject({ total: 1_500 });
});

test("after a scheduled change took effect the plan can be changed, cancelled and resumed like any other", async () => {
  const dan = await subscribed("dan", ENTERPRISE);
  await confirm(dan, PRO);
  await advance({ days: 32 });
  const preview = await previewChange(dan, ENTERPRISE);
  expect(await changePlan(dan, { ...ENTERPRISE, preview: preview.preview })).toMatchObject({
    outcome: "changed",
  });
  expect((await invoicesOf(dan))[0]).toMatchObject({ total: Number(preview.dueNow.amountMinor) });
  await confirm(dan, PRO);
  const ending = await cancelSubscription(dan, { when: "period_end", reason: "unused" });
  expect(ending.subscription).toMatchObject({ cancelAt: expect.any(Date), change: null });
  expect(await resumeSubscription(dan)).toMatchObject({
    plan: { id: "enterprise" },
    subscription: { cancelAt: null },
  });
});

test("a schedule that was made just before we died is gone on with, and not made twice", async () => {
  const ada = await subscribed("ada", ENTERPRISE);
  const { preview } = await previewChange(ada, PRO);
  const schedule = await stripe.subscriptionSchedules.create({ from_subscription: (await liveOf(ada)).id });
  await syncCustomer(ada);
  expect((await subscriptionOf(ada)).subscription).toMatchObject({ change: null });
  await expect(changePlan(ada, { ...PRO, preview })).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await confirm(ada, PRO)).toMatchObject({ outcome: "scheduled" });
  const { data } = await stripe.subscriptionSchedules.list({ customer: await ensureCustomer(ada) });
  expect(data.map(({ id }) => id)).toEqual([schedule.id]);
  await owner`update plan_changes set status = 'asked' where tenant_id = ${ada.tenant.id} and status = 'scheduled'`;
  await syncCustomer(ada);
  const rows = await owner`select status from plan_changes where tenant_id = ${ada.tenant.id}`;
  expect(rows).toEqual([{ status: "scheduled" }]);
});
