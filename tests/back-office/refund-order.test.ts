import { moneyOf } from "@tests/orders/refunds";
import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { refundOrder } from "@/server/back-office/refund-order";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { listOrders } from "@/server/orders/orders";

const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: null };
const set = await stage({ prices: creditBusiness({ free: undefined }, { amount }), poolSize: 10 });
const { tenant, buy, simulator, stripe, settled, owner } = set;
const money = moneyOf(set);

const orderOf = async (ctx: TenantCtx) => (await listOrders(ctx)).orders.at(-1)!.id;
const refundsOf = async (ctx: TenantCtx) =>
  (await stripe.refunds.list({ payment_intent: await money.paymentOf(ctx) })).data.map((one) => one.amount);
async function buyer(): Promise<{ ctx: TenantCtx; orderId: string }> {
  const ctx = await tenant("ada");
  await buy(ctx, { order: { credits: 100 } });
  return { ctx, orderId: await orderOf(ctx) };
}
const refund = (ctx: TenantCtx, orderId: string, key: string, amountMinor?: number) =>
  refundOrder(ctx, { orderId, amountMinor, reason: "asked by mail", key });

test("money is given back, what it bought is taken, and who wished it and why is kept", async () => {
  const { ctx, orderId } = await buyer();
  expect(await refund(ctx, orderId, "a", 400)).toMatchObject({
    amountMinor: 400,
    status: "succeeded",
    replayed: false,
  });
  expect(await money.worth(ctx)).toBe(60);
  expect(await refund(ctx, orderId, "b")).toMatchObject({ amountMinor: 600 });
  expect([await money.worth(ctx), await money.statusOf(ctx)]).toEqual([0, "refunded"]);
  await settled();
  const wishes = await money.audits(ctx, "order.refund_requested");
  expect(wishes.map((row) => row.details)).toMatchObject([
    { amountMinor: 400, reason: "asked by mail", key: "a" },
    { amountMinor: 600, reason: "asked by mail", key: "b" },
  ]);
});

test("the same wish refunds once, one after the other and 10 at once", async () => {
  const { ctx, orderId } = await buyer();
  const first = await refund(ctx, orderId, "a", 100);
  expect(await refund(ctx, orderId, "a", 100)).toEqual({ ...first, replayed: true });
  const many = await Promise.all(Array.from({ length: 10 }, () => refund(ctx, orderId, "b", 200)));
  expect(new Set(many.map(({ refundId }) => refundId)).size).toBe(1);
  await settled();
  expect(await refundsOf(ctx)).toEqual([200, 100]);
  expect(await money.worth(ctx)).toBe(70);
});

test("a day later, when Stripe has forgotten the key, the same wish still refunds nothing more", async () => {
  const { ctx, orderId } = await buyer();
  const first = await refund(ctx, orderId, "a", 100);
  await set.advance({ days: 2 });
  expect(await refund(ctx, orderId, "a")).toEqual({ ...first, replayed: true });
  expect(await refundsOf(ctx)).toEqual([100]);
});

test("a key that refunded one amount does not refund another", async () => {
  const { ctx, orderId } = await buyer();
  await refund(ctx, orderId, "a", 100);
  await expect(refund(ctx, orderId, "a", 200)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  expect(await refundsOf(ctx)).toEqual([100]);
});

test("wishes at once never give back more than was paid", async () => {
  const { ctx, orderId } = await buyer();
  const wishes = Array.from({ length: 4 }, (_, n) => refund(ctx, orderId, `k${n}`, 400));
  const done = await Promise.allSettled(wishes);
  expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  await settled();
  expect(await refundsOf(ctx)).toEqual([400, 400]);
  expect(await money.worth(ctx)).toBe(20);
});

test.each(["close", "timeout", "500", "429"] as const)(
  "an answer to the refund that got lost (%s) is no second refund",
  async (kind) => {
    const { ctx, orderId } = await buyer();
    const fail = ({ method, path }: { method: string; path: string }) => {
      if (method !== "POST" || !path.startsWith("/v1/refunds")) return;
      stripe.off("request", fail);
      // The client itself tries three times, and not at all after a 429.
      simulator.control.failNext(kind, kind === "429" ? 1 : 3);
    };
    stripe.on("request", fail);
    const tried = await refund(ctx, orderId, "a", 100).catch((error: unknown) => error);
    if (tried instanceof Error) expect(tried).toMatchObject({ code: "PAYMENT_PROVIDER" });
    await refund(ctx, orderId, "a", 100);
    await settled();
    expect(await refundsOf(ctx)).toEqual([100]);
    expect(await money.worth(ctx)).toBe(90);
  },
);

test("bad amounts are refused, and nothing is asked or written", async () => {
  const { ctx, orderId } = await buyer();
  for (const bad of [0, -1, 0.5, 1_001, Number.NaN, 1e15])
    await expect(refund(ctx, orderId, "a", bad)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await expect(refundOrder(ctx, { orderId, reason: " ", key: "a" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
  expect(await refundsOf(ctx)).toEqual([]);
  expect(await money.audits(ctx, "order.refund_requested")).toEqual([]);
});

test("what was not paid, is all refunded, is disputed or is another tenant's is not refunded", async () => {
  const { ctx, orderId } = await buyer();
  const bo = await tenant("bo");
  await expect(refund(bo, orderId, "a")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await startCheckout(bo, { order: { credits: 10 } });
  await expect(refund(bo, await orderOf(bo), "a")).rejects.toMatchObject({ code: "CONFLICT" });
  await money.dispute(ctx);
  await expect(refund(ctx, orderId, "a")).rejects.toMatchObject({ code: "CONFLICT" });
  await money.decide(ctx, "won");
  await refund(ctx, orderId, "a");
  await expect(refund(ctx, orderId, "b", 1)).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await refundsOf(ctx)).toEqual([1_000]);
});

test("a refund that the bank refused may be wished for again", async () => {
  const { ctx, orderId } = await buyer();
  simulator.control.nextRefunds("failed");
  expect(await refund(ctx, orderId, "a", 1_000)).toMatchObject({ status: "failed" });
  expect(await money.worth(ctx)).toBe(100);
  expect(await refund(ctx, orderId, "b", 1_000)).toMatchObject({ status: "succeeded" });
  expect(await money.worth(ctx)).toBe(0);
  const rows = await owner`select status from refunds where tenant_id = ${ctx.tenant.id} order by status`;
  expect(rows.map(({ status }) => status)).toEqual(["failed", "succeeded"]);
});
