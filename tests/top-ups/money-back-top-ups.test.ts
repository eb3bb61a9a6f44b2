import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { listOrders } from "@/server/orders/orders";
import { inbox } from "@/server/sync/jobs";
import { autoTopUp, setAutoTopUp } from "@/server/top-ups/auto-top-up";
import { topUps } from "@/server/top-ups/jobs";
import { topUp } from "@/server/top-ups/top-up";
import { PACK, TERMS, topUpStage } from "./top-ups";

const made = await stage({ poolSize: 10 });
const { ctx, buy, owner, stripe, simulator, settled } = made;
const { lowTenant, chargesOf, creditsOf, lapse, dyingStripe } = topUpStage(made);

const paymentOf = async (of: TenantCtx) => (await listOrders(of)).orders[0]!.paymentId!;
const cron = async () => {
  for (let run = 0; run < 3; run += 1) await topUps(ctx);
  await settled();
};
/** Cron comes when what failed is to be tried again. */
const later = async () => {
  await owner`update webhook_inbox set available_at = clock_timestamp() where status = 'pending'`;
  await inbox(ctx);
};

test("an automatic purchase that was given back is not made once more: it stops, and tells so", async () => {
  const ada = await lowTenant("ada");
  await cron();
  expect(await creditsOf(ada)).toBe(100);
  await stripe.refunds.create({ payment_intent: await paymentOf(ada) });
  await settled();
  await cron();
  expect(await chargesOf(ada)).toHaveLength(1);
  expect(await autoTopUp(ada)).toMatchObject({ state: "stopped", stopped: { reason: "money_back" } });
  const told = await owner`select payload from outbox where tenant_id = ${ada.tenant.id}
    and type = 'credits.top_up_failed'`;
  expect(told).toMatchObject([{ payload: { reason: "money_back" } }]);
});

test("a card whose owner disputes any payment is not charged by itself any more, until a person wants it", async () => {
  const bo = await lowTenant("bo", { threshold: 50 });
  await cron();
  await buy(bo, { pack: PACK });
  simulator.control.openDispute({ payment: await paymentOf(bo) });
  await settled();
  await cron();
  expect(await autoTopUp(bo)).toMatchObject({ state: "stopped" });
  await setAutoTopUp(bo, { ...TERMS, threshold: 150 });
  await cron();
  expect(await autoTopUp(bo)).toMatchObject({ state: "on" });
  expect(await chargesOf(bo)).toHaveLength(3);
});

test("a pack bought by hand and given back leaves on what a person turned on", async () => {
  const cleo = await lowTenant("cleo");
  await cron();
  await buy(cleo, { pack: PACK });
  await stripe.refunds.create({ payment_intent: await paymentOf(cleo), amount: 100 });
  await settled();
  expect(await autoTopUp(cleo)).toMatchObject({ state: "on" });
});

test.each(["refund", "dispute"] as const)(
  "news of a %s that comes before the purchase is settled is not forgotten",
  async (kind) => {
    const dan = await lowTenant("dan");
    const { stripe: mortal, died } = dyingStripe(4, "after");
    void topUp({ ...dan, stripe: mortal });
    await died;
    const [charge] = await chargesOf(dan);
    const payment = charge!.payment_intent as string;
    if (kind === "refund") await stripe.refunds.create({ payment_intent: payment });
    else simulator.control.openDispute({ payment });
    await settled();
    await lapse(dan);
    await topUps(ctx);
    await later();
    expect(await creditsOf(dan)).toBe(0);
    const [order] = (await listOrders(dan)).orders;
    expect(order!.status).toBe(kind === "refund" ? "refunded" : "disputed");
  },
);
