import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { prices as tollgate } from "@/config/plans";
import { startCheckout } from "@/server/billing/checkout";
import { openPortal } from "@/server/billing/portal";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { jobs } from "@/server/jobs";
import { consume } from "@/server/quota/consume";
import { mustPayFirst, pastDueOf } from "@/server/subscriptions/dunning";
import { listDunning } from "@/server/subscriptions/list-dunning";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";
import type { Dunning } from "@/simulator/stripe/settings";
import { renewalsOf } from "./renewals";

const set = await stage({ prices: { ...tollgate, automaticTax: false } });
const { ctx, owner, stripe, simulator, buy, advance, settled, clock } = set;
const { failedRenewals, failedRenewal, pay, goodCard, subscriptionAt, invoicesAt } = renewalsOf(set);

const PRO = { plan: "pro", interval: "month" } as const;
const PACK = { pack: tollgate.packs[0]!.id };
const DAY_MS = 86_400_000;
/** More than an end asks Stripe: it voids, lists, looks, cancels, and looks again. */
const MAX_REQUESTS = 6;
const USUAL: Dunning = { retryDays: [1, 3, 5, 7], finally: "cancel" };
const AMOUNT = { amountMinor: 1_500n, currency: "usd" };

const rowsOf = (of: TenantCtx) =>
  owner`select outcome, ending_at, due_at from dunnings where tenant_id = ${of.tenant.id}`;
const told = async (of: TenantCtx) =>
  (
    await owner`select type, payload from outbox where tenant_id = ${of.tenant.id} and type in ('billing.payment_failed', 'billing.past_due') order by id`
  ).map(({ type, payload }) => [type, payload.step ?? payload.graceEndsAt]);
const plan = async (of: TenantCtx) => (await subscriptionOf(of)).plan.id;
const later = (from: Date, days: number) => new Date(from.getTime() + days * DAY_MS);

/** Whether the portal's page lets the plan be switched. */
const changesPlan = async ({ url }: { url: string }) => (await (await fetch(url)).text()).includes("/switch");

test("the days count from the first failed payment; retries that fail move nothing, and are told no second time", async () => {
  const { of, since } = await failedRenewal("ada");
  const before = await pastDueOf(of);
  expect(before).toEqual({
    since,
    amount: AMOUNT,
    step: "grace",
    purchasesStopAt: later(since, 7),
    planEndsAt: later(since, 14),
    nextStepAt: later(since, 7),
    nextAttemptAt: later(since, 1),
    payUrl: expect.stringMatching(/\/i\/in_/),
  });
  await advance({ days: 4, hours: 12 });
  await syncCustomer(of);
  expect((await invoicesAt(of))[0]?.attempt_count).toBeGreaterThan(2);
  expect(await pastDueOf(of)).toEqual({ ...before, nextAttemptAt: expect.any(Date) });
  expect(await told(of)).toEqual([["billing.payment_failed", later(since, 7).toISOString()]]);
});

test("in the days of grace all works, but a plan is not bought or changed before the one there is was paid", async () => {
  const { of } = await failedRenewal("bo");
  expect(await consume(of, { feature: "compute", units: 10 })).toMatchObject({ allowed: true });
  expect((await startCheckout(of, PACK)).url).toContain("http");
  const overdue = { code: "PAYMENT_OVERDUE", payUrl: expect.stringMatching(/\/i\/in_/) };
  await expect(startCheckout(of, PRO)).rejects.toMatchObject(overdue);
  await expect(previewChange(of, { plan: "enterprise", interval: "month" })).rejects.toMatchObject(overdue);
  expect(await changesPlan(await openPortal(of))).toBe(false);
  await pay(of);
  expect(await changesPlan(await openPortal(of))).toBe(true);
});

test("then the plan works on, nothing can be bought, a page that was open is closed, and it is told once; paying ends that at once", async () => {
  const { of, since } = await failedRenewal("cleo");
  const { url } = await startCheckout(of, PACK);
  clock.set(later(since, 7));
  expect(await mustPayFirst(of)).toBe(true);
  await Promise.all([jobs.reset(ctx), jobs.reset(ctx)]);
  await jobs.reset(ctx);
  expect((await told(of)).slice(1)).toEqual([["billing.past_due", "purchases_stopped"]]);
  expect((await set.pay(url)).location).toBeNull();
  expect(await plan(of)).toBe("pro");
  expect(await consume(of, { feature: "compute", units: 10 })).toMatchObject({ allowed: true });
  await expect(startCheckout(of, PACK)).rejects.toMatchObject({
    code: "PAYMENT_OVERDUE",
    payUrl: expect.stringMatching(/\/i\/in_/),
  });
  await pay(of);
  expect(await pastDueOf(of)).toBeNull();
  expect((await startCheckout(of, PACK)).url).toContain("http");
  expect(await rowsOf(of)).toMatchObject([{ outcome: "paid", ending_at: null, due_at: null }]);
});

test("the gate ends the plan at its very instant, without cron; paying in that gap brings it back", async () => {
  const { of, since } = await failedRenewal("dan");
  clock.set(new Date(later(since, 14).getTime() - 1));
  expect(await consume(of, { feature: "compute", units: 600 })).toMatchObject({ allowed: true });
  clock.set(later(since, 14));
  expect(await consume(of, { feature: "compute", units: 600 })).toMatchObject({ allowed: false });
  expect(await plan(of)).toBe("free");
  expect((await subscriptionAt(of)).status).toBe("past_due");
  await pay(of);
  expect(await plan(of)).toBe("pro");
  expect(await consume(of, { feature: "compute", units: 600 })).toMatchObject({ allowed: true });
  expect((await subscriptionAt(of)).status).toBe("active");
});

test("after the last day the tenant is on the free plan, the subscription has ended at Stripe, what was unpaid is void, and a new plan can be bought", async () => {
  const { of, since } = await failedRenewal("ada");
  clock.set(later(since, 14));
  await Promise.all([jobs.reset(ctx), jobs.reset(ctx)]);
  await settled();
  await jobs.reset(ctx);
  expect(await subscriptionOf(of)).toMatchObject({ plan: { id: "free" }, subscription: null });
  expect((await subscriptionAt(of)).status).toBe("canceled");
  expect((await invoicesAt(of)).map(({ status }) => status).sort()).toEqual(["paid", "void"]);
  expect(await rowsOf(of)).toMatchObject([{ outcome: "ended", due_at: null }]);
  // Nobody heard of the step before: whoever comes late tells the nearest.
  expect((await told(of)).slice(1)).toEqual([["billing.past_due", "plan_ended"]]);
  expect(await pastDueOf(of)).toBeNull();
  await buy(of, PRO);
  expect(await plan(of)).toBe("pro");
});

test("whoever pays in the moment in which we end it has paid: the plan stays", async () => {
  const { of, since } = await failedRenewal("bo");
  clock.set(later(since, 14));
  const card = await goodCard(of);
  const { voidInvoice } = stripe.invoices;
  stripe.invoices.voidInvoice = (async (...args: Parameters<typeof voidInvoice>) => {
    await stripe.invoices.pay(args[0], { payment_method: card });
    return voidInvoice.apply(stripe.invoices, args);
  }) as typeof voidInvoice;
  try {
    await jobs.reset(ctx);
  } finally {
    stripe.invoices.voidInvoice = voidInvoice;
  }
  await settled();
  expect(await plan(of)).toBe("pro");
  expect((await subscriptionAt(of)).status).toBe("active");
  expect(await rowsOf(of)).toMatchObject([{ outcome: "paid", ending_at: null }]);
});

/** Loses the connection at the nth request from the first that changes anything on. @returns whether there was an nth */
async function losing(
  nth: number,
  kind: "close-before" | "close",
  work: () => Promise<void>,
): Promise<boolean> {
  let sent = 0;
  const onRequest = ({ method }: { method: string }) => {
    if (sent === 0 && method === "GET") return;
    sent += 1;
    // The client asks three times.
    if (sent === nth) simulator.control.failNext(kind, 3);
  };
  stripe.on("request", onRequest);
  await work().catch((error) => expect(error).toMatchObject({ code: "PAYMENT_PROVIDER" }));
  stripe.off("request", onRequest);
  return sent >= nth;
}

test("whichever request of the end is lost, before or after its effect, the next look ends it all the same, and tells it once", async () => {
  const { all, since } = await failedRenewals(...Array.from({ length: 2 * MAX_REQUESTS }, () => "cleo"));
  simulator.control.setMode({ drop: ["*"] });
  clock.set(later(since, 14));
  const hit = [];
  for (const [at, of] of all.entries()) {
    const kind = at % 2 === 0 ? "close-before" : "close";
    hit.push(await losing(1 + Math.floor(at / 2), kind, () => syncCustomer(of)));
    await syncCustomer(of);
    expect((await subscriptionAt(of)).status).toBe("canceled");
    expect(await plan(of)).toBe("free");
    expect(await rowsOf(of)).toMatchObject([{ outcome: "ended" }]);
    expect((await told(of)).slice(1)).toEqual([["billing.past_due", "plan_ended"]]);
  }
  simulator.control.setMode({ drop: [] });
  expect(hit.slice(0, 8)).not.toContain(false);
  expect(hit.slice(-2)).toEqual([false, false]);
});

test("when Stripe gives up first the plan ends with its subscription; who cancelled is not told that it ended", async () => {
  simulator.control.setDunning({ retryDays: [1], finally: "cancel" });
  const { all } = await failedRenewals("dan", "ada");
  const [first, second] = all as [TenantCtx, TenantCtx];
  await stripe.subscriptions.cancel((await subscriptionAt(second)).id);
  await settled();
  expect(await plan(second)).toBe("free");
  expect(await told(second)).toHaveLength(1);
  await advance({ days: 5 });
  simulator.control.setDunning(USUAL);
  expect(await plan(first)).toBe("free");
  expect((await told(first)).at(-1)).toEqual(["billing.past_due", "plan_ended"]);
  for (const of of all) {
    expect((await invoicesAt(of)).map(({ status }) => status).sort()).toEqual(["paid", "void"]);
    expect(await rowsOf(of)).toMatchObject([{ outcome: "ended" }]);
  }
});

test.for(["unpaid", "past_due"] as const)(
  "when Stripe gives up and leaves the subscription %s, even writing the invoice off, our days decide",
  async (fate) => {
    simulator.control.setDunning({ retryDays: [1], finally: fate, invoice: "uncollectible" });
    const { of, since } = await failedRenewal("bo");
    await advance({ days: 3 });
    simulator.control.setDunning(USUAL);
    await syncCustomer(of);
    expect((await subscriptionAt(of)).status).toBe(fate);
    expect(await plan(of)).toBe("pro");
    expect(await pastDueOf(of)).toMatchObject({ since, step: "grace", nextAttemptAt: null });
    await expect(startCheckout(of, PRO)).rejects.toMatchObject({ code: "PAYMENT_OVERDUE" });
    clock.set(later(since, 14));
    await jobs.reset(ctx);
    expect((await subscriptionAt(of)).status).toBe("canceled");
    expect(await plan(of)).toBe("free");
  },
);

test("operators see who has not paid, the longest first, with the step and when the next one begins", async () => {
  const { of, since } = await failedRenewal("cleo");
  const find = async () =>
    (await listDunning(ctx)).queue.find(({ workspaceId }) => workspaceId === of.tenant.id);
  const subscriptionId = (await subscriptionAt(of)).id;
  expect(await find()).toMatchObject({
    slug: of.tenant.slug,
    subscriptionId,
    since,
    amount: AMOUNT,
    step: "grace",
    nextStepAt: later(since, 7),
    nextAttemptAt: later(since, 1),
  });
  clock.set(later(since, 7));
  expect(await find()).toMatchObject({ step: "purchases_stopped", nextStepAt: later(since, 14) });
  const all = (await listDunning(ctx)).queue.map((one) => one.since.getTime());
  expect(all).toEqual(all.toSorted((a, b) => a - b));
  await pay(of);
  expect(await find()).toBeUndefined();
});
