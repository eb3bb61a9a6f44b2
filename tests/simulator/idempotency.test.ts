import Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientOf, Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start();
});
afterEach(() => scene.end());

const create = (name: string, idempotencyKey: string) =>
  scene.stripe.customers.create({ name }, { idempotencyKey });

describe("idempotency keys", () => {
  test("the same key and parameters give the same answer and no second object", async () => {
    const first = await create("Ada", "key-1");
    const second = await create("Ada", "key-1");
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers["idempotent-replayed"]).toBe("true");
    expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
    expect((await scene.stripe.customers.list()).data).toHaveLength(1);
  });

  test("the same key with other parameters is refused", async () => {
    await create("Ada", "key-1");
    const error = await stripeError(create("Bo", "key-1"));
    expect(error).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(error.statusCode).toBe(400);
  });

  test("a key in use is answered with 409 and the first request still succeeds", async () => {
    scene.sim.control.setMode({ apiDelayMs: 150 });
    const outcomes = await Promise.allSettled([create("Ada", "key-1"), create("Ada", "key-1")]);
    scene.sim.control.setMode({ apiDelayMs: 0 });
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
    const rejected = outcomes.find((outcome) => outcome.status === "rejected");
    expect(rejected?.reason).toMatchObject({ statusCode: 409 });
    expect((await scene.stripe.customers.list()).data).toHaveLength(1);
  });

  test("refused requests are not stored: a corrected one may use the key", async () => {
    await stripeError(
      scene.stripe.prices.create({ currency: "usd", product: "prod_no" }, { idempotencyKey: "key-1" }),
    );
    const product = await scene.stripe.products.create({ name: "Pro" });
    const price = { currency: "usd", product: product.id, unit_amount: 1 };
    expect((await scene.stripe.prices.create(price, { idempotencyKey: "key-1" })).unit_amount).toBe(1);
  });

  test("declines are stored", async () => {
    const { id } = await scene.customer();
    const method = await scene.stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer: id });
    const payment = { amount: 500, currency: "usd", customer: id, payment_method: method.id, confirm: true };
    for (let attempt = 0; attempt < 2; attempt++) {
      const call = scene.stripe.paymentIntents.create(payment, { idempotencyKey: "pay-1" });
      expect((await stripeError(call)).code).toBe("card_declined");
    }
    expect(scene.eventTypes("charge.failed")).toHaveLength(1);
  });

  test("are forgotten after a day of simulated time", async () => {
    const first = await create("Ada", "key-1");
    await scene.advanceDays(1.1);
    expect((await create("Ada", "key-1")).id).not.toBe(first.id);
  });
});

describe("injected failures", () => {
  test("429 is not stored, so the retry is executed", async () => {
    scene.sim.control.failNext("429", 1);
    expect((await stripeError(create("Ada", "key-1"))).statusCode).toBe(429);
    expect((await create("Ada", "key-1")).name).toBe("Ada");
  });

  test("500 is stored, so the retry gets it again", async () => {
    scene.sim.control.failNext("500", 1);
    expect((await stripeError(create("Ada", "key-1"))).statusCode).toBe(500);
    expect((await stripeError(create("Ada", "key-1"))).statusCode).toBe(500);
    expect((await scene.stripe.customers.list()).data).toHaveLength(0);
  });

  test("an answer lost with the connection is found again under its key", async () => {
    scene.sim.control.failNext("close", 1);
    const client = clientOf(scene.sim, { maxNetworkRetries: 2 });
    const created = await client.customers.create({ name: "Ada" });
    expect((await scene.stripe.customers.list()).data.map(({ id }) => id)).toEqual([created.id]);
  });

  test("an answer that never comes times out, and the work was done", async () => {
    scene.sim.control.failNext("timeout", 1);
    const client = clientOf(scene.sim, { timeout: 100 });
    const error = await stripeError(client.customers.create({ name: "Ada" }));
    expect(error).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect((await scene.stripe.customers.list()).data).toHaveLength(1);
  });
});
