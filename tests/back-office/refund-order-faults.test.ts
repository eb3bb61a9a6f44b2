import { moneyOf } from "@tests/orders/refunds";
import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { topUpStage } from "@tests/top-ups/top-ups";
import { expect, test } from "vitest";
import { refundOrder } from "@/server/back-office/refund-order";
import type { TenantCtx } from "@/server/context";
import { listOrders } from "@/server/orders/orders";
import { inbox } from "@/server/sync/jobs";

const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: null };
const set = await stage({ prices: creditBusiness({ free: undefined }, { amount }), poolSize: 10 });
const { ctx, tenant, buy, simulator, stripe, settled, owner } = set;
const { dyingStripe } = topUpStage(set);
const money = moneyOf(set);

async function buyer() {
  const of = await tenant("ada");
  await buy(of, { order: { credits: 100 } });
  return { of, orderId: (await listOrders(of)).orders[0]!.id };
}
const refund = (of: TenantCtx, orderId: string, key = "a", amountMinor?: number) =>
  refundOrder(of, { orderId, amountMinor, reason: "asked by mail", key });
const refundsOf = async (of: TenantCtx) =>
  (await stripe.refunds.list({ payment_intent: await money.paymentOf(of) })).data.map((one) => one.amount);
/** Whoever worked for the customer is dead for sure, and cron tries again what had to wait for it. */
async function lapse(of: TenantCtx) {
  await owner`update customers set lease_ends_at = clock_timestamp() where tenant_id = ${of.tenant.id}`;
  await owner`update webhook_inbox set available_at = clock_timestamp() where status = 'pending'`;
}

const REQUESTS = 8;

test.each(
  Array.from({ length: REQUESTS }, (_, at) =>
    (["before", "after"] as const).map((moment) => ({ at: at + 1, moment })),
  ).flat(),
)(
  "a process that dies $moment its request $at refunds once, and what was bought follows",
  async ({ at, moment }) => {
    const { of, orderId } = await buyer();
    simulator.control.setMode({ drop: ["*"] });
    const { stripe: mortal, died } = dyingStripe(at, moment);
    const run = refund({ ...of, stripe: mortal }, orderId, "a", 100).catch(() => undefined);
    await Promise.race([run, died]);
    await settled();
    simulator.control.setMode({ drop: [] });
    await lapse(of);
    expect(await refund(of, orderId, "a", 100)).toMatchObject({ amountMinor: 100, status: "succeeded" });
    expect(await refundsOf(of)).toEqual([100]);
    expect(await money.worth(of)).toBe(90);
  },
);

test("a process that died over a refund that was made leaves the rest to Stripe's events", async () => {
  const { of, orderId } = await buyer();
  const { stripe: mortal, died } = dyingStripe(4, "after");
  void refund({ ...of, stripe: mortal }, orderId, "a", 100);
  await died;
  await settled();
  expect(await refundsOf(of)).toEqual([100]);
  expect(await money.worth(of)).toBe(90);
});

test("a dispute that opens while the operator refunds leaves one of the two, and all credits are taken once", async () => {
  const { of, orderId } = await buyer();
  const payment = await money.paymentOf(of);
  const open = ({ method, path }: { method: string; path: string }) => {
    if (method !== "POST" || !path.startsWith("/v1/refunds")) return;
    stripe.off("request", open);
    simulator.control.openDispute({ payment });
  };
  stripe.on("request", open);
  const tried = await refund(of, orderId).catch((error: unknown) => error);
  stripe.off("request", open);
  await settled();
  await inbox(ctx);
  if (tried instanceof Error) expect(tried).toMatchObject({ code: "CONFLICT" });
  expect(await money.worth(of)).toBe(0);
  expect(await money.statusOf(of)).toBe("disputed");
  await money.decide(of, "won");
  expect(await money.worth(of)).toBe(tried instanceof Error ? 100 : 0);
});

test("Stripe's events that come during the operator's refund take nothing twice", async () => {
  const { of, orderId } = await buyer();
  simulator.control.setMode({ duplicate: true, reverse: true });
  await Promise.all([refund(of, orderId, "a", 300), refund(of, orderId, "b", 300)]);
  await settled();
  await lapse(of);
  await inbox(ctx);
  simulator.control.setMode({ duplicate: false, reverse: false });
  expect(await refundsOf(of)).toEqual([300, 300]);
  expect(await money.worth(of)).toBe(40);
});
