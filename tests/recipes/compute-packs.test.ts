import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { refundOrder } from "@/server/back-office/refund-order";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { correctCredits } from "@/server/credits/correct-credits";
import { grantCredits } from "@/server/credits/grant-credits";
import { expireLots } from "@/server/credits/jobs";
import { ledgerPage } from "@/server/credits/ledger-page";
import { lifetime } from "@/server/credits/lifetime";
import { listOrders } from "@/server/orders/orders";
import { consume } from "@/server/quota/consume";
import { computeList } from "./compute-list";

/** A pack is $10, and 20 % of tax on top. */
const prices = { ...computeList({ weekly: 1_000, ratio: 100 }), automaticTax: true };
const set = await stage({ prices, poolSize: 10 });
const { ctx, tenant, owner, stripe, simulator, buy, pay, settled, advance } = set;

const PACK = { pack: "extra_500" };
const draw = (of: TenantCtx, units: number, key?: string) => consume(of, { feature: "compute", units, key });
const extras = async (of: TenantCtx) => (await balance(of)).available;
const orderOf = async (of: TenantCtx) => {
  const { id, status, total } = (await listOrders(of)).orders[0]!;
  const [row] = await owner`select payment_id from orders where tenant_id = ${of.tenant.id} and id = ${id}`;
  return { id, status, total, paymentId: String(row!.payment_id) };
};
const moved = async (of: TenantCtx) =>
  (await ledgerPage(of, { limit: 200 })).entries
    .filter(({ feature }) => feature === "credits")
    .map(({ operation, units }) => `${operation} ${units}`)
    .toReversed();
/** In Stripe's dashboard. */
const refund = async (paymentId: string, amount: number) => {
  await stripe.refunds.create({ payment_intent: paymentId, amount });
  await settled();
};

test("a pack is bought in payment mode, with tax; a double click, and two tabs, make one session and one payment", async () => {
  const ada = await tenant("ada");
  const pages = await Promise.all([1, 2, 3].map(() => startCheckout(ada, PACK)));
  expect(new Set(pages.map(({ url }) => url)).size).toBe(1);
  const { data } = await stripe.checkout.sessions.list({ limit: 100 });
  expect(data.map(({ mode, automatic_tax: tax }) => [mode, tax.enabled])).toEqual([["payment", true]]);
  const pressed = await Promise.all([pay(pages[0]!.url), pay(pages[0]!.url)]);
  await settled();
  expect(pressed.filter(({ location }) => location !== null).length).toBeGreaterThan(0);
  expect(await extras(ada)).toBe(500);
  expect(
    (await stripe.paymentIntents.list({ limit: 10 })).data.map(({ amount_received }) => amount_received),
  ).toEqual([1_200]);
  expect((await listOrders(ada)).orders).toMatchObject([
    { tax: { amountMinor: 200n }, total: { amountMinor: 1_200n } },
  ]);
});

test("past the week's quota the pack pays; the ledger names top-up, draw, refund, adjustment and expiry, and they add up", async () => {
  const bo = await tenant("bo");
  await buy(bo, PACK);
  expect(await draw(bo, 150, "run:1")).toMatchObject({ drawn: { allowance: 100, credits: 50 } });
  const { paymentId } = await orderOf(bo);
  await refund(paymentId, 240);
  expect(await extras(bo)).toBe(350);
  const source = "ticket:1";
  const { lotId } = await grantCredits(bo, { amount: 30, kind: "adjustment", source });
  await correctCredits(bo, { credits: 10, lotId, reason: "it was 20" });
  await advance({ days: 90 });
  expect(await extras(bo)).toBe(20);
  expect(await moved(bo)).toEqual(["grant 500", "revoke 100", "grant 30", "revoke 10", "expire 350"]);
  const kept = { granted: 530, consumed: 50, takenBack: 110, expired: 350, remaining: 20 };
  expect(await lifetime(bo)).toMatchObject(kept);
});

test("a pack is spendable to its last millisecond and not at the next, and cron writes it off once", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, PACK);
  const expiresAt = (await balance(cleo)).lots[0]!.expiresAt!;
  expect(expiresAt).toEqual(new Date(ctx.now().getTime() + 90 * 86_400_000));
  const at = (ms: number): TenantCtx => ({ ...cleo, now: () => new Date(expiresAt.getTime() + ms) });
  expect(await draw(at(-1), 101)).toMatchObject({ drawn: { allowance: 100, credits: 1 } });
  expect(await draw(at(0), 1)).toMatchObject({ allowed: false, reason: "no_credits" });
  await Promise.all(Array.from({ length: 5 }, () => expireLots({ ...ctx, now: at(0).now })));
  expect(await moved(cleo)).toEqual(["grant 500", "expire 499"]);
});

test("refunds, partial and repeated, take back what their share bought, each once however often it is told", async () => {
  const dan = await tenant("dan");
  await buy(dan, PACK);
  const { paymentId } = await orderOf(dan);
  simulator.control.setMode({ duplicate: true });
  for (const [amount, left, status] of [
    [120, 450, "partially_refunded"],
    [333, 312, "partially_refunded"],
    [2, 311, "partially_refunded"],
    [745, 0, "refunded"],
  ] as const) {
    await refund(paymentId, amount);
    expect(await extras(dan)).toBe(left);
    expect((await orderOf(dan)).status).toBe(status);
  }
  simulator.control.setMode({ duplicate: false });
  expect(await moved(dan)).toEqual(["grant 500", "revoke 50", "revoke 138", "revoke 1", "revoke 311"]);
});

test("a refund call is made once per payment, amount and key: told again it answers the same, another amount is refused", async () => {
  const eve = await tenant("eve");
  await buy(eve, PACK);
  const { id: orderId, paymentId } = await orderOf(eve);
  const wish = { orderId, amountMinor: 300, reason: "a failed run", key: "ticket-1" };
  const answers = await Promise.all(Array.from({ length: 8 }, () => refundOrder(eve, wish)));
  expect(new Set(answers.map(({ refundId }) => refundId)).size).toBe(1);
  expect(await refundOrder(eve, wish)).toMatchObject({ replayed: true, amountMinor: 300 });
  await expect(refundOrder(eve, { ...wish, amountMinor: 301 })).rejects.toMatchObject({
    code: "IDEMPOTENCY_CONFLICT",
  });
  await settled();
  expect((await stripe.refunds.list({ payment_intent: paymentId })).data).toHaveLength(1);
  expect(await extras(eve)).toBe(375);
  await refundOrder(eve, { ...wish, key: "ticket-2" });
  await settled();
  expect(await extras(eve)).toBe(250);
});

test("what was spent of a refunded pack is owed: nothing goes on until the next pack has paid for it", async () => {
  const flo = await tenant("flo");
  await buy(flo, PACK);
  await draw(flo, 520);
  const { paymentId } = await orderOf(flo);
  await refund(paymentId, 1_200);
  expect(await balance(flo)).toMatchObject({ available: 0, debt: { owed: 420 } });
  expect(await draw(flo, 1)).toMatchObject({ allowed: false, reason: "blocked", blockedBecause: "debt" });
  await buy(flo, PACK);
  expect(await balance(flo)).toMatchObject({ available: 80, debt: null });
  expect(await draw(flo, 80)).toMatchObject({ allowed: true });
  expect(await lifetime(flo)).toMatchObject({ granted: 1_000, takenBack: 80, repaid: 420, remaining: 0 });
});
