import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { Plan, PriceList } from "@/lib/price-list";
import { priceListProblems } from "@/lib/price-list-problems";
import { changePlan } from "@/server/billing/change-plan";
import { startCheckout } from "@/server/billing/checkout";
import { followSubscriptions } from "@/server/billing/jobs";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { listOffers } from "@/server/orders/offers";
import { consume } from "@/server/quota/consume";
import { release } from "@/server/quota/release";
import { ensureCustomer } from "@/server/stripe/customer";
import { seatSteps } from "@/server/subscriptions/seat-rules";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const paid = (id: string, monthlyMinor: number, seats?: { feature: string; atLeast?: number }): Plan => ({
  id,
  name: id,
  tagline: "",
  price: { kind: "recurring", monthlyMinor, annualMinor: monthlyMinor * 10, ...(seats ? { seats } : {}) },
  limits: { users: "unlimited", sso: false },
});
const prices: PriceList = {
  currency: "usd",
  features: { users: { kind: "level", name: "Users", unit: "user" }, sso: { kind: "flag", name: "SSO" } },
  plans: [
    { id: "free", name: "Free", tagline: "", price: { kind: "free" }, limits: { users: 10, sso: false } },
    paid("team", 1_000, { feature: "users", atLeast: 3 }),
    paid("business", 3_000, { feature: "users" }),
    paid("flat", 90_000),
  ],
  packs: [],
  defaultPlan: "free",
};

const { tenant, owner, stripe, buy, pay, advance, settled, simulator, clock, ctx } = await stage({ prices });

const TEAM = { plan: "team", interval: "month" } as const;
const join = (tenant: TenantCtx, units: number) => consume(tenant, { feature: "users", units });
let left = 0;
const leave = (tenant: TenantCtx, units: number) => {
  left += 1;
  return release(tenant, { feature: "users", units, key: `left:${left}` });
};
const liveOf = async (tenant: TenantCtx) =>
  (await stripe.subscriptions.list({ customer: await ensureCustomer(tenant) })).data[0]!;
const quantityOf = async (tenant: TenantCtx) => (await liveOf(tenant)).items.data[0]!.quantity;
const invoicesOf = async (tenant: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(tenant) })).data;
const updatesOf = (tenant: TenantCtx) =>
  owner`select details from audit_events where tenant_id = ${tenant.tenant.id} and action = 'subscription.seats_requested'`;
/** What is left of the period (minor units) of what the whole of it costs. */
async function rest(tenant: TenantCtx, amountMinor: number): Promise<number> {
  const { current_period_start: start, current_period_end: end } = (await liveOf(tenant)).items.data[0]!;
  return Math.round((amountMinor * (end - clock.now().getTime() / 1_000)) / (end - start));
}
/** The cron of a minute later. */
const follow = async () => {
  await settled();
  const done = await followSubscriptions(ctx);
  await settled();
  return done.seatsFollowed;
};
/** Subscribed with five seats since 2 March, or whatever the clock says. */
async function five(name: string, interval: "month" | "year" = "month"): Promise<TenantCtx> {
  const found = await tenant(name);
  await join(found, 5);
  await buy(found, { plan: "team", interval });
  return found;
}

test("a plan by the seat is bought for those who are there, and shows its seats and the price of each", async () => {
  const ada = await five("ada");
  expect(await quantityOf(ada)).toBe(5);
  expect((await invoicesOf(ada))[0]).toMatchObject({ total: 5_000, status: "paid" });
  expect((await subscriptionOf(ada)).subscription).toMatchObject({
    price: { amountMinor: 5_000n },
    seats: { name: "Users", unit: "user", quantity: 5, each: { amountMinor: 1_000n, currency: "usd" } },
  });
  expect(listOffers(ctx).plans[1]?.seats).toEqual({ feature: "users", unit: "user", atLeast: 3 });
  const alone = await tenant("bo");
  await buy(alone, TEAM);
  expect((await invoicesOf(alone))[0]!.total).toBe(3_000);
  expect(await follow()).toBe(0);
});

test("a page for as many seats as there were is not handed out again when more have come", async () => {
  const cleo = await tenant("cleo");
  await join(cleo, 4);
  const first = await startCheckout(cleo, TEAM);
  expect(await startCheckout(cleo, TEAM)).toEqual(first);
  await join(cleo, 1);
  const second = await startCheckout(cleo, TEAM);
  expect(second.url).not.toBe(first.url);
  await pay(second.url);
  expect(await quantityOf(cleo)).toBe(5);
});

test("many who join are one change, paid pro rata on the next invoice; who leaves costs less from the next period on", async () => {
  const dan = await five("dan");
  const start = await quantityOf(dan);
  await advance({ days: 15 });
  for (let person = 0; person < 4; person += 1) await join(dan, 1);
  expect(start).toBe(5);
  expect(await follow()).toBe(1);
  expect(await follow()).toBe(0);
  expect([await quantityOf(dan), (await updatesOf(dan)).length]).toEqual([9, 1]);
  expect((await invoicesOf(dan)).length).toBe(1);
  const added = (await rest(dan, 9_000)) - (await rest(dan, 5_000));
  await leave(dan, 6);
  expect(await follow()).toBe(1);
  expect(await quantityOf(dan)).toBe(3);
  await advance({ days: 17 });
  // The rest of the month for four more seats, and a whole one of three: nothing goes back for the six who left.
  expect((await invoicesOf(dan))[0]).toMatchObject({ total: added + 3_000, status: "paid" });
});

test("a seat that this period was paid for is taken again free of charge, and only those above are charged", async () => {
  const ada = await five("ada");
  await advance({ days: 15 });
  await leave(ada, 2);
  await follow();
  await join(ada, 2);
  await follow();
  await leave(ada, 1);
  await follow();
  // From four to seven at once: up to five, and only then for money.
  await join(ada, 3);
  await follow();
  expect(await quantityOf(ada)).toBe(7);
  const added = (await rest(ada, 7_000)) - (await rest(ada, 5_000));
  await advance({ days: 17 });
  expect((await invoicesOf(ada))[0]!.total).toBe(added + 7_000);
});

test("seats of a year are paid at once", async () => {
  const bo = await five("bo", "year");
  await advance({ days: 73 });
  await join(bo, 1);
  await follow();
  const [newest] = await invoicesOf(bo);
  expect(newest).toMatchObject({ total: 8_000, status: "paid", billing_reason: "subscription_update" });
  expect(await follow()).toBe(0);
});

test("a change of plan is previewed and paid with its seats, and what it is compared by is the price of all of them", async () => {
  const cleo = await five("cleo");
  await advance({ days: 10 });
  const wish = { plan: "business", interval: "month" } as const;
  const preview = await previewChange(cleo, wish);
  expect(preview).toMatchObject({ timing: "now", seats: 5, next: { amount: { amountMinor: 15_000n } } });
  await join(cleo, 1);
  await follow();
  await expect(changePlan(cleo, { ...wish, preview: preview.preview })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  const again = await previewChange(cleo, wish);
  const change = await changePlan(cleo, { ...wish, preview: again.preview });
  expect(change.outcome).toBe("changed");
  expect((await invoicesOf(cleo))[0]!.total).toBe(Number(again.dueNow.amountMinor));
  expect([await quantityOf(cleo), again.seats]).toEqual([6, 6]);
  const flat = await previewChange(cleo, { plan: "flat", interval: "month" });
  expect(flat).toMatchObject({ timing: "now", seats: null, next: { amount: { amountMinor: 90_000n } } });
});

test("while a cheaper plan waits for the period's end, seats are followed now and in what is to come", async () => {
  const dan = await tenant("dan");
  await join(dan, 4);
  await buy(dan, { plan: "business", interval: "month" });
  await advance({ days: 1 });
  const { preview } = await previewChange(dan, TEAM);
  await changePlan(dan, { ...TEAM, preview });
  await join(dan, 1);
  expect(await follow()).toBe(1);
  expect(await quantityOf(dan)).toBe(5);
  const added = (await rest(dan, 15_000)) - (await rest(dan, 12_000));
  expect((await subscriptionOf(dan)).subscription?.change).toMatchObject({
    kind: "scheduled",
    plan: { id: "team" },
  });
  await advance({ days: 31 });
  const [newest] = await invoicesOf(dan);
  expect(newest!.total).toBe(5_000 + added);
  expect((await subscriptionOf(dan)).plan.id).toBe("team");
  await leave(dan, 2);
  expect(await follow()).toBe(1);
  expect([await quantityOf(dan), await follow()]).toEqual([3, 0]);
});

test("a cheaper plan's preview counts the seats that came in this period and wait for the next invoice", async () => {
  const bo = await tenant("bo");
  await join(bo, 4);
  await buy(bo, { plan: "business", interval: "month" });
  await advance({ days: 15 });
  await join(bo, 3);
  await follow();
  const added = (await rest(bo, 21_000)) - (await rest(bo, 12_000));
  const { preview, next, waiting, timing } = await previewChange(bo, TEAM);
  expect({ timing, waiting: waiting.amountMinor, next: next.amount.amountMinor }).toEqual({
    timing: "period_end",
    waiting: BigInt(added),
    next: BigInt(7_000 + added),
  });
  await changePlan(bo, { ...TEAM, preview });
  await advance({ days: 17 });
  expect((await invoicesOf(bo))[0]!.total).toBe(Number(next.amount.amountMinor));
});

test("an answer that got lost, or that never was, leaves the tenant due, and nothing is charged twice", async () => {
  for (const kind of ["500", "close"] as const) {
    const ada = await five("ada");
    await advance({ days: 1 });
    await join(ada, 1);
    await settled();
    // The look and the subscription itself arrive; the change, and the tries that follow, don't.
    simulator.control.failNext(kind, 4, 2);
    expect(await followSubscriptions(ctx)).toMatchObject({ seatsFollowed: 0 });
    for (let again = 0; again < 3; again += 1) await follow();
    expect(await quantityOf(ada)).toBe(6);
    const added = (await rest(ada, 6_000)) - (await rest(ada, 5_000));
    await advance({ days: 31 });
    expect((await invoicesOf(ada))[0]!.total).toBe(6_000 + added);
  }
});

test("the quantity gets to what is wanted from anywhere, and what was paid is never charged again", () => {
  for (let current = 1; current <= 6; current += 1)
    for (let paidFor = current; paidFor <= 6; paidFor += 1)
      for (let wanted = 1; wanted <= 8; wanted += 1) {
        const steps = seatSteps({ current, paid: paidFor, wanted }, false);
        expect(steps.at(-1)?.quantity ?? current).toBe(wanted);
        const charged = steps.reduce(
          ({ from, sum }, { quantity, charges }) => ({
            from: quantity,
            sum: sum + (charges ? quantity - from : 0),
          }),
          { from: current, sum: 0 },
        );
        expect(charged.sum).toBe(Math.max(0, wanted - paidFor));
        expect(seatSteps({ current, paid: paidFor, wanted }, true).some(({ charges }) => charges)).toBe(
          false,
        );
      }
});

test("seats that are no level, or are paid for from nothing on, are named when the app starts", () => {
  const wrong = (seats: { feature: string; atLeast?: number }) =>
    priceListProblems({
      ...prices,
      plans: [prices.plans[0]!, paid("x", 1, seats)],
    });
  expect(wrong({ feature: "sso" })).toEqual([expect.stringContaining('"sso" is none')]);
  expect(wrong({ feature: "nobody" }).length).toBe(1);
  expect(wrong({ feature: "users", atLeast: 0 })).toEqual([expect.stringContaining("from 1 to")]);
});
