import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { definePriceList } from "@/lib/price-list";
import { cancelSubscription, resumeSubscription } from "@/server/billing/end-subscription";
import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { entitle } from "@/server/entitlements/entitle";
import { tellPlansEnding } from "@/server/orders/jobs";
import { listOrders } from "@/server/orders/orders";
import { CANCELLED_NOTICES, endingNotice, PREPAID_NOTICES } from "@/server/orders/plan-ending-rules";
import { ensurePlanVersions } from "@/server/plans/service";
import { subscriptionOf } from "@/server/subscriptions/subscription";

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
    { id: "basic", name: "Basic", tagline: "", price: { kind: "free" }, limits: { calls: 1 } },
    {
      id: "week",
      name: "Week",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 700, days: 7 },
      limits: { calls: 2 },
    },
    {
      id: "month",
      name: "Month",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 6_000, days: 30 },
      limits: { calls: 3 },
    },
    {
      id: "pro",
      name: "Pro",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 9_000, annualMinor: null },
      limits: { calls: 4 },
    },
  ],
  packs: [],
  defaultPlan: "basic",
});
const { ctx, tenant, clock, owner, stripe, buy, advance, settled } = await stage({ prices });

const DAY_MS = 86_400_000;
/** What was told of a workspace's plan, in order: the notice, the days left, and whose end. */
const told = async (of: TenantCtx) =>
  (
    await owner`select fact, payload from outbox where tenant_id = ${of.tenant.id} and type = 'billing.plan_ending' order by id`
  ).map(({ fact, payload }) => [Number(String(fact).split(":").at(-1)), payload.daysLeft, payload.plan]);
const endOf = async (of: TenantCtx) => (await subscriptionOf(of)).endsAt;
const cron = async () => (await tellPlansEnding(ctx)).plansEndingTold;

test("a plan that was paid ahead is told of 7, 3 and 1 days before, each once however many runners there are", async () => {
  const ada = await tenant("ada");
  await buy(ada, { plan: "month" });
  const endsAt = await endOf(ada);
  expect(await cron()).toBe(0);
  clock.advance({ days: 22 });
  for (let hour = 22 * 24; hour < 30 * 24; hour += 12) {
    await Promise.all([cron(), cron()]);
    clock.advance({ hours: 12 });
  }
  expect(await told(ada)).toEqual([
    [7, 7, "month@1"],
    [3, 3, "month@1"],
    [1, 1, "month@1"],
  ]);
  expect(await endOf(ada)).toBeNull();
  expect(endsAt).toEqual(clock.now());
  expect(await cron()).toBe(0);
});

test("a cron that comes late tells the nearest notice only, with the days that are really left", async () => {
  const bo = await tenant("bo");
  await buy(bo, { plan: "month" });
  clock.advance({ days: 27, hours: 12 });
  expect(await cron()).toBe(1);
  expect(await told(bo)).toEqual([[3, 3, "month@1"]]);
  clock.advance({ days: 2, hours: 4 });
  expect([await cron(), await cron()]).toEqual([1, 0]);
  expect(await told(bo)).toEqual([
    [3, 3, "month@1"],
    [1, 1, "month@1"],
  ]);
});

test("who pays for more days is told again before the new end, and not what was so at the purchase", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { plan: "week" });
  expect(await cron()).toBe(0);
  clock.advance({ days: 5 });
  await cron();
  await buy(cleo, { plan: "week" });
  expect(await cron()).toBe(0);
  clock.advance({ days: 2, hours: 1 });
  await cron();
  clock.advance({ days: 5 });
  await cron();
  expect(await told(cleo)).toEqual([
    [3, 2, "week@1"],
    [7, 7, "week@1"],
    [3, 2, "week@1"],
  ]);
});

test("a plan whose money went back is told of no more; in part, by its new end", async () => {
  const [dan, eve] = [await tenant("dan"), await tenant("eve")];
  for (const of of [dan, eve]) await buy(of, { plan: "month" });
  const refund = async (of: TenantCtx, amount: number) => {
    const [order] = (await listOrders(of)).orders;
    await stripe.refunds.create({ payment_intent: order!.paymentId!, amount });
    await settled();
  };
  await advance({ days: 10 });
  await refund(dan, 6_000);
  await refund(eve, 3_000);
  expect(await cron()).toBe(1);
  for (let day = 0; day < 25; day += 1) {
    clock.advance({ days: 1 });
    await cron();
  }
  expect(await told(dan)).toEqual([]);
  expect(await told(eve)).toEqual([
    [7, 5, "month@1"],
    [3, 3, "month@1"],
    [1, 1, "month@1"],
  ]);
});

test("where an operator chose another plan, the end of the days paid for is told to nobody", async () => {
  const fay = await tenant("fay");
  await buy(fay, { plan: "week" });
  clock.advance({ days: 1 });
  const planVersionId = (await ensurePlanVersions(fay)).get("pro")!.id;
  await inTenant(fay, (_tx, inner) => entitle(inner, { planVersionId, source: "operator" }));
  clock.advance({ days: 4 });
  expect(await cron()).toBe(0);
});

test("a cancelled subscription is told of once, 3 days before it ends; one that was resumed is not", async () => {
  const [gus, hal] = [await tenant("gus"), await tenant("hal")];
  for (const of of [gus, hal]) {
    await buy(of, { plan: "pro" });
    await cancelSubscription(of, { when: "period_end", reason: "unused" });
  }
  await settled();
  const { cancelAt } = (await subscriptionOf(gus)).subscription!;
  await resumeSubscription(hal);
  await settled();
  clock.set(new Date(cancelAt!.getTime() - 5 * DAY_MS));
  for (let at = clock.now(); at < cancelAt!; at = clock.now()) {
    await cron();
    clock.set(new Date(Math.min(at.getTime() + DAY_MS / 2, cancelAt!.getTime())));
  }
  expect(await told(gus)).toEqual([[3, 3, "pro@1"]]);
  expect(await told(hal)).toEqual([]);
});

test("no notice whose time had come when the end was decided, and none once it has come", () => {
  const endsAt = new Date("2026-03-20T09:00:00Z");
  const before = (days: number) => new Date(endsAt.getTime() - days * DAY_MS);
  const due = (notices: readonly number[], decided: number, now: number) =>
    endingNotice(notices, { endsAt, decidedAt: before(decided), now: before(now) })?.notice ?? null;
  expect(due(PREPAID_NOTICES, 7, 7)).toBeNull();
  expect(due(PREPAID_NOTICES, 8, 7)).toBe(7);
  expect(due(PREPAID_NOTICES, 7, 3)).toBe(3);
  expect(due(PREPAID_NOTICES, 30, 7.01)).toBeNull();
  expect(due(PREPAID_NOTICES, 30, 0.001)).toBe(1);
  expect(due(PREPAID_NOTICES, 30, 0)).toBeNull();
  expect(due(CANCELLED_NOTICES, 2, 1)).toBeNull();
});
