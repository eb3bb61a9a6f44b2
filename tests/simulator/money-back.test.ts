import { afterEach, beforeEach, expect, test } from "vitest";
import { Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start();
});
afterEach(() => scene.end());

async function payment(amount = 1_000): Promise<string> {
  const customer = await scene.payer();
  const { id } = await scene.stripe.paymentIntents.create({
    amount,
    currency: "usd",
    customer: customer.id,
    payment_method: customer.invoice_settings.default_payment_method as string,
    confirm: true,
    off_session: true,
  });
  return id;
}
const chargeOf = async (payment_intent: string) =>
  (await scene.stripe.charges.list({ payment_intent })).data[0]!;

test("a dispute takes the money away, and a won one brings it back, each with its events", async () => {
  const paid = await payment();
  const { id } = scene.sim.control.openDispute({ payment: paid, amount: 400 });
  expect(await scene.stripe.disputes.retrieve(id)).toMatchObject({
    amount: 400,
    currency: "usd",
    payment_intent: paid,
    reason: "fraudulent",
    status: "needs_response",
  });
  expect(await chargeOf(paid)).toMatchObject({ disputed: true });
  scene.sim.control.setDispute(id, "under_review");
  scene.sim.control.setDispute(id, "won");
  expect(scene.eventTypes("charge.dispute.")).toEqual([
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_reinstated",
  ]);
  expect((await scene.stripe.disputes.list({ payment_intent: paid })).data).toMatchObject([
    { id, status: "won" },
  ]);
});

test("whoever closes a dispute has lost it", async () => {
  const { id } = scene.sim.control.openDispute({ payment: await payment() });
  expect(await scene.stripe.disputes.close(id)).toMatchObject({ status: "lost", amount: 1_000 });
  expect(scene.lastEvent("charge.dispute.closed").data.object).toMatchObject({ status: "lost" });
});

test("an inquiry moves no money", async () => {
  const paid = await payment();
  const { id } = scene.sim.control.openDispute({ payment: paid, status: "warning_needs_response" });
  scene.sim.control.setDispute(id, "warning_closed");
  expect(scene.eventTypes("charge.dispute.")).toEqual(["charge.dispute.created", "charge.dispute.closed"]);
  expect(await scene.stripe.refunds.create({ payment_intent: paid })).toMatchObject({ status: "succeeded" });
});

test("a disputed charge is not refunded", async () => {
  const payment_intent = await payment();
  scene.sim.control.openDispute({ payment: payment_intent });
  expect(await stripeError(scene.stripe.refunds.create({ payment_intent }))).toMatchObject({
    code: "charge_disputed",
  });
});

test("a refund may wait, and succeed or fail later; what failed may be refunded again", async () => {
  const payment_intent = await payment();
  scene.sim.control.nextRefunds("pending", 2);
  const first = await scene.stripe.refunds.create({ payment_intent, amount: 300 });
  const second = await scene.stripe.refunds.create({ payment_intent, amount: 700 });
  expect([first.status, second.status]).toEqual(["pending", "pending"]);
  scene.sim.control.settleRefund(first.id, "succeeded");
  scene.sim.control.settleRefund(second.id, "failed");
  expect(scene.eventTypes("refund.")).toEqual([
    "refund.created",
    "refund.created",
    "refund.updated",
    "refund.updated",
    "refund.failed",
  ]);
  expect(scene.lastEvent("refund.failed").data.object).toMatchObject({ status: "failed" });
  expect(await chargeOf(payment_intent)).toMatchObject({ amount_refunded: 300, refunded: false });
  expect(await scene.stripe.refunds.create({ payment_intent })).toMatchObject({ amount: 700 });
});

test("a bank may send a refund back after it had succeeded, or refuse it at once", async () => {
  const payment_intent = await payment();
  const { id } = await scene.stripe.refunds.create({ payment_intent });
  scene.sim.control.settleRefund(id, "failed");
  scene.sim.control.nextRefunds("failed");
  expect(await scene.stripe.refunds.create({ payment_intent })).toMatchObject({ status: "failed" });
  expect(await chargeOf(payment_intent)).toMatchObject({ amount_refunded: 0 });
});

test("the same over HTTP, for people in development", async () => {
  const say = async (command: string, body: object) => {
    const answer = await fetch(`${scene.sim.url}/__sim/${command}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as { id: string; status: string };
  };
  const paid = await payment();
  const { id } = await say("open-dispute", { payment: paid, amount: 10 });
  expect(await say("set-dispute", { disputeId: id, status: "lost" })).toMatchObject({ id, status: "lost" });
});
