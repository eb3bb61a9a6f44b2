import { stage } from "@tests/support/stage";
import { expect, test, vi } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { reconcileAll } from "@/server/reconcile/jobs";
import { findAllDrift, reconcile } from "@/server/reconcile/reconcile";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const set = await stage();
const { ctx, tenant, owner, simulator, stripe, clock, pay, buy, settled } = set;

/** Whatever Stripe sends now never arrives. */
const deaf = async (work: () => Promise<unknown>) => {
  await settled();
  simulator.control.setMode({ drop: ["*"] });
  await work();
  await settled();
  simulator.control.setMode({ drop: [] });
};
const later = async (step: Parameters<typeof clock.advance>[0] = { minutes: 5 }) => {
  clock.advance(step);
  await simulator.control.advanceTo(clock.now());
};
/** As if Stripe had forgotten the events: only the comparison can tell. */
const listIsEmpty = () =>
  owner`insert into walks values ('events', '2100-01-01T00:00:00.000Z', now())
    on conflict (name) do update set position = excluded.position`;
const planOf = async (one: TenantCtx) => (await subscriptionOf(one)).plan.id;
const drifts = (kind: string) =>
  owner`select subject, ours, theirs, healed_at, how from drifts where kind = ${kind} order by id`;
const rows = async () => ({
  subscriptions: await owner`select * from subscriptions order by subscription_id`,
  lots: await owner`select * from lots order by id`,
  orders: await owner`select * from orders order by id`,
  inbox: await owner`select event_id, status from webhook_inbox order by event_id`,
});

test("a purchase and a subscription of which nothing was heard are there after the next walk, each once", async () => {
  const ada = await tenant("ada");
  await deaf(async () => {
    const plan = await startCheckout(ada, { plan: "pro", interval: "month" });
    const pack = await startCheckout(ada, { pack: "credits_500" });
    await pay(plan.url);
    await pay(pack.url);
  });
  expect(await planOf(ada)).toBe("free");
  expect((await findAllDrift(ctx)).map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(["subscription", "checkout"]),
  );
  await later();
  const done = await reconcileAll(ctx);
  expect(done.eventsTakenIn).toBeGreaterThan(3);
  expect(done).toMatchObject({ customersFailed: 0, driftsLeft: 0, failed: 0 });
  expect(await planOf(ada)).toBe("pro");
  expect((await balance(ada)).lots).toHaveLength(1);
  expect(await findAllDrift(ctx)).toEqual([]);
  const settledRows = await rows();
  const again = await Promise.all([reconcileAll(ctx), reconcileAll(ctx)]);
  for (const one of again) expect(one).toMatchObject({ eventsTakenIn: 0, driftsFound: 0 });
  expect(await rows()).toEqual(settledRows);
});

test("what was missed is told: which event, taken in; which subscription, what we thought and what was true, and how it was healed", async () => {
  const bo = await tenant("bo");
  await buy(bo, { plan: "pro", interval: "month" });
  const customer = await ensureCustomer(bo);
  const { data } = await stripe.subscriptions.list({ customer });
  const id = data[0]!.id;
  await deaf(async () => void (await stripe.subscriptions.update(id, { cancel_at_period_end: true })));
  await listIsEmpty();
  await later();
  expect(await reconcile(ctx)).toMatchObject({ eventsTakenIn: 0, driftsFound: 1, driftsLeft: 0 });
  const [told] = (await drifts("subscription")).filter(
    ({ subject, ours }) => subject === id && ours !== "nothing",
  );
  expect(told).toMatchObject({
    ours: expect.not.stringContaining("ends"),
    theirs: expect.stringContaining("ends"),
    how: "synced",
    healed_at: clock.now(),
  });
  expect((await subscriptionOf(bo)).subscription?.cancelAt).not.toBeNull();
  await owner`delete from walks`;
});

test("a refund and a dispute of which no event is left are found by their charges", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, { pack: "credits_500" });
  const [order] = await owner`select id, payment_id from orders where tenant_id = ${cleo.tenant.id}`;
  await deaf(
    async () => void (await stripe.refunds.create({ payment_intent: order?.payment_id, amount: 500 })),
  );
  await listIsEmpty();
  expect(await reconcile(ctx)).toMatchObject({ driftsFound: 1, driftsLeft: 0 });
  const moneyBack = async () =>
    (await owner`select status, money_back_minor from orders where id = ${order?.id}`)[0];
  expect(await moneyBack()).toMatchObject({ status: "partially_refunded", money_back_minor: "500" });
  await deaf(async () => void simulator.control.openDispute({ payment: order?.payment_id }));
  expect(await reconcile(ctx)).toMatchObject({ driftsFound: 1, driftsLeft: 0 });
  expect(await moneyBack()).toMatchObject({ status: "disputed" });
  await owner`delete from walks`;
});

test("an order whose payment nobody told us of, and which was given back since, is whole after one walk", async () => {
  const eve = await tenant("eve");
  await deaf(async () => {
    const page = await startCheckout(eve, { pack: "credits_500" });
    await pay(page.url);
    const { data } = await stripe.paymentIntents.list({ customer: await ensureCustomer(eve) });
    await stripe.refunds.create({ payment_intent: data[0]!.id, amount: 500 });
  });
  await listIsEmpty();
  expect(await reconcile(ctx)).toMatchObject({ driftsLeft: 0 });
  const [order] = await owner`select status, money_back_minor from orders where tenant_id = ${eve.tenant.id}`;
  expect(order).toMatchObject({ status: "partially_refunded", money_back_minor: "500" });
  await owner`delete from walks`;
});

test("what a sync can't put right stays open until it is, and is told once", async () => {
  const dan = await tenant("dan");
  await buy(dan, { plan: "pro", interval: "month" });
  await owner`update tenant_plans set plan_version = 'free@1', source = 'operator' where tenant_id = ${dan.tenant.id}`;
  await owner`create or replace function keep_plan() returns trigger language plpgsql as 'begin return old; end'`;
  await owner`create trigger keep_plan before update on tenant_plans for each row execute function keep_plan()`;
  for (const _ of [1, 2]) expect(await reconcile(ctx)).toMatchObject({ driftsFound: 1, driftsLeft: 1 });
  expect(await drifts("plan")).toMatchObject([{ ours: "free@1", theirs: "pro@1", healed_at: null }]);
  expect(await findAllDrift(ctx)).toMatchObject([{ kind: "plan" }]);
  await owner`drop trigger keep_plan on tenant_plans`;
  await syncCustomer(dan);
  expect(await reconcile(ctx)).toMatchObject({ driftsFound: 0, driftsLeft: 0 });
  expect(await drifts("plan")).toMatchObject([{ how: "gone" }]);
});

test("out of time, a walk goes on where it stopped, and one customer's trouble is not another's", async () => {
  const many = await Promise.all(Array.from({ length: 3 }, () => tenant("ada")));
  for (const one of many) await ensureCustomer(one);
  await owner`delete from walks`;
  await later({ hours: 1 });
  expect((await reconcile(ctx, { budgetMs: 0 })).customersCompared).toBeGreaterThan(0);
  const [events] = await owner`select position from walks where name = 'events'`;
  await reconcile(ctx, { budgetMs: 0 });
  const [further] = await owner`select position from walks where name = 'events'`;
  expect(String(further?.position) > String(events?.position)).toBe(true);
  const lost = await owner`delete from tenant_plans where tenant_id = ${many[1]!.tenant.id} returning *`;
  const alert = vi.spyOn(console, "error").mockImplementation(() => {});
  const { customersFailed, customersCompared } = await reconcile(ctx);
  expect([customersFailed, customersCompared >= 2]).toEqual([1, true]);
  alert.mockRestore();
  await owner`insert into tenant_plans ${owner(lost[0]!)}`;
});
