import { sessionIdOf, stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import { completeReturn } from "@/server/billing/return";
import type { TenantCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { ensureCustomer } from "@/server/stripe/customer";
import { customers } from "@/server/stripe/tables";
import { ofTurn, tryTurn } from "@/server/stripe/turn";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

// `settled`: the news of what a test has made takes turns and asks Stripe too.
const { tenant, owner, simulator, stripe, clock, pay, settled } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const sessionsOf = async (ctx: TenantCtx) =>
  (await stripe.checkout.sessions.list({ customer: await ensureCustomer(ctx), limit: 100 })).data;
const holdTurn = (ctx: TenantCtx, interval: string) =>
  owner`update customers set lease_ends_at = clock_timestamp() + ${interval}::interval where tenant_id = ${ctx.tenant.id}`;

test("a customer that Stripe made just before we died is found again", async () => {
  const ada = await tenant("ada");
  const metadata = { tenantId: ada.tenant.id };
  const { id } = await stripe.customers.create({ metadata }, { idempotencyKey: `customer:${ada.tenant.id}` });
  expect(await ensureCustomer(ada)).toBe(id);
});

test("a page that Stripe made just before we died is found again", async () => {
  const bo = await tenant("bo");
  const { url } = await startCheckout(bo, PRO);
  await owner`update checkouts set session_id = null, url = null where tenant_id = ${bo.tenant.id}`;
  expect(await startCheckout(bo, PRO)).toEqual({ url });
  expect(await sessionsOf(bo)).toHaveLength(1);
});

test("a page that nobody has seen is given up for another wish, and for the same one after half a day", async () => {
  const cleo = await tenant("cleo");
  await startCheckout(cleo, PRO);
  const forget = () =>
    owner`update checkouts set session_id = null, url = null where tenant_id = ${cleo.tenant.id} and status = 'open'`;
  await forget();
  await startCheckout(cleo, { plan: "pro", interval: "year" });
  await forget();
  clock.advance({ hours: 13 });
  const { url } = await startCheckout(cleo, { plan: "pro", interval: "year" });
  const rows = await owner`select status, url from checkouts where tenant_id = ${cleo.tenant.id} order by id`;
  expect(rows).toEqual([
    { status: "expired", url: null },
    { status: "expired", url: null },
    { status: "open", url },
  ]);
});

test.for(["500", "close"] as const)(
  "Stripe failing once (%s) while a customer is made leaves one customer",
  async (kind) => {
    const dan = await tenant("dan");
    simulator.control.failNext(kind, 1);
    const id = await ensureCustomer(dan);
    expect(await ensureCustomer(dan)).toBe(id);
    const all = await stripe.customers.list({ limit: 100 }).autoPagingToArray({ limit: 1_000 });
    expect(
      all.filter((customer) => customer.metadata.tenantId === dan.tenant.id).map((one) => one.id),
    ).toEqual([id]);
  },
);

test("Stripe failing while a page is made is said, and the next click works", async () => {
  const ada = await tenant("ada");
  await ensureCustomer(ada);
  await settled();
  const openAt = async () => (await sessionsOf(ada)).filter(({ status }) => status === "open").length;
  // The first request of a checkout is the look at subscriptions; the second makes the page.
  let sent = 0;
  const failSecond = () => {
    sent += 1;
    if (sent === 2) simulator.control.failNext("500", 1);
  };
  stripe.on("request", failSecond);
  await expect(startCheckout(ada, PRO)).rejects.toMatchObject({
    code: "PAYMENT_PROVIDER",
    hint: expect.not.stringContaining("sk_test"),
  });
  stripe.off("request", failSecond);
  expect(await openAt()).toBe(0);
  await startCheckout(ada, PRO);
  expect(await openAt()).toBe(1);
});

test("a customer that vanished at Stripe is replaced at the next checkout", async () => {
  const bo = await tenant("bo");
  const first = await ensureCustomer(bo);
  simulator.control.setMode({ drop: ["*"] });
  await stripe.customers.del(first);
  const { url } = await startCheckout(bo, PRO);
  await pay(url);
  await settled();
  simulator.control.setMode({ drop: [] });
  await syncCustomer(bo);
  expect(await ensureCustomer(bo)).not.toBe(first);
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "pro" } });
});

test("a dead worker's turn ends by itself, and whoever waits takes over", async () => {
  const cleo = await tenant("cleo");
  const { url } = await startCheckout(cleo, PRO);
  simulator.control.setMode({ hold: true });
  const { location } = await pay(url);
  await holdTurn(cleo, "700 milliseconds");
  const view = await completeReturn(cleo, { sessionId: sessionIdOf(location) });
  expect(view).toMatchObject({ plan: { id: "pro" } });
  simulator.control.setMode({ hold: false });
  await settled();
});

test("who waits longer than eight seconds is told to come back", async () => {
  const dan = await tenant("dan");
  await ensureCustomer(dan);
  await settled();
  await holdTurn(dan, "1 minute");
  await expect(syncCustomer(dan)).rejects.toMatchObject({ code: "BUSY" });
});

test("a worker whose turn has lapsed can't write, nor end its successor's turn", async () => {
  const ada = await tenant("ada");
  await ensureCustomer(ada);
  await settled();
  await tryTurn(ada, async (turn) => {
    await holdTurn(ada, "1 minute");
    const ours = await inTenant(ada, (tx) => tx.select().from(customers).where(ofTurn(ada, turn)));
    expect(ours).toEqual([]);
  });
  const [row] =
    await owner`select lease_ends_at is not null as held from customers where tenant_id = ${ada.tenant.id}`;
  expect(row).toEqual({ held: true });
});

test("of two at once, one has the turn", async () => {
  const bo = await tenant("bo");
  await ensureCustomer(bo);
  await settled();
  const inside = await tryTurn(bo, () => tryTurn(bo, async () => "two"));
  expect(inside).toBeNull();
  expect(await tryTurn(bo, async () => "one")).toBe("one");
});

test("100 syncs at once share a few looks at Stripe", async () => {
  const cleo = await tenant("cleo");
  await ensureCustomer(cleo);
  await settled();
  let looks = 0;
  const count = ({ path }: { path: string }) => {
    looks += path.startsWith("/v1/subscriptions") ? 1 : 0;
  };
  stripe.on("request", count);
  await Promise.all(Array.from({ length: 100 }, () => syncCustomer(cleo)));
  stripe.off("request", count);
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(20);
  const [row] = await owner`select requested, synced from customers where tenant_id = ${cleo.tenant.id}`;
  expect(row?.synced).toBe(row?.requested);
});

test("a sync inside a transaction is a mistake that is told at once", async () => {
  const dan = await tenant("dan");
  await expect(inTenant(dan, (_tx, inner) => syncCustomer(inner))).rejects.toThrow("outside transactions");
});
