import Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startStripeSimulator } from "@/simulator/stripe/server";
import { clientOf, SCHEMA_DIR, Scene, SUCCESS_URL, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start();
});
afterEach(() => scene.end());

// What the compiler would stop, or no longer stops, sent all the same.
type Loose = Record<string, unknown>;
const loosely = <T>(params: Loose) => params as T;

describe("what the simulator cannot do", () => {
  test("an endpoint outside it is answered with 501 in Stripe's shape", async () => {
    for (const call of [
      scene.stripe.transfers.list(),
      scene.stripe.quotes.list(),
      scene.stripe.tax.registrations.list(),
    ]) {
      expect(await stripeError(call)).toMatchObject({
        statusCode: 501,
        code: "not_simulated",
        type: "StripeAPIError",
      });
    }
  });

  test("a parameter it does not honour is answered with 501, not ignored", async () => {
    const error = await stripeError(scene.stripe.customers.create({ tax: { ip_address: "127.0.0.1" } }));
    expect(error).toMatchObject({ statusCode: 501, message: expect.stringContaining('"tax"') });
    const nested = { subscription_data: { billing_mode: { type: "classic" as const } } };
    const price = await scene.price(100);
    const lines = { line_items: [{ price: price.id, quantity: 1 }] };
    expect((await stripeError(scene.checkout({ ...nested, ...lines }))).message).toContain(
      "subscription_data.billing_mode",
    );
  });

  test("an address Stripe does not know is 404 in Stripe's shape", async () => {
    const error = await stripeError(scene.stripe.rawRequest("GET", "/v1/nonsense"));
    expect(error).toMatchObject({ statusCode: 404, type: "StripeInvalidRequestError" });
    expect(error.message).toContain("Unrecognized request URL (GET: /v1/nonsense)");
  });
});

describe("refusals", () => {
  test("keys that are not the simulator's are 401", async () => {
    for (const key of ["sk_test_other", "sk_live_sim"]) {
      const { port } = scene.sim;
      const stripe = new Stripe(key, { host: "127.0.0.1", port, protocol: "http" });
      const error = await stripeError(stripe.customers.list());
      expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
      expect(error.message).not.toContain(key);
    }
  });

  test("an unknown id is 404 in the path and 400 in a parameter", async () => {
    const path = await stripeError(scene.stripe.customers.retrieve("cus_no"));
    expect(path).toMatchObject({
      statusCode: 404,
      code: "resource_missing",
      message: "No such customer: 'cus_no'",
    });
    const param = await stripeError(scene.stripe.billingPortal.sessions.create({ customer: "cus_no" }));
    expect(param).toMatchObject({ statusCode: 400, code: "resource_missing", param: "customer" });
  });

  test("another API version is refused", async () => {
    const old = clientOf(scene.sim, loosely({ apiVersion: "2025-01-27.acacia" }));
    expect((await stripeError(old.customers.list())).message).toContain("2025-01-27.acacia");
  });

  test.each<[string, (stripe: Stripe) => Promise<unknown>, string]>([
    [
      "a misspelt mode",
      (s) => s.checkout.sessions.create({ mode: "paymnt", success_url: SUCCESS_URL }),
      "mode",
    ],
    ["ui_mode hosted", (s) => s.checkout.sessions.create({ mode: "payment", ui_mode: "hosted" }), "ui_mode"],
    [
      "payment_method_types",
      (s) => s.checkout.sessions.create(loosely({ mode: "payment", payment_method_types: ["card"] })),
      "payment_method_types",
    ],
    [
      "payment_method_types on a payment intent",
      (s) => s.paymentIntents.create(loosely({ amount: 1, currency: "usd", payment_method_types: ["card"] })),
      "payment_method_types",
    ],
    [
      "billing_cycle_anchor now",
      (s) => s.subscriptions.update("sub_1", loosely({ billing_cycle_anchor: "now" })),
      "anchor",
    ],
    ["coupon", (s) => s.subscriptions.create(loosely({ customer: "cus_1", coupon: "half" })), "coupon"],
    ["a misspelt status", (s) => s.subscriptions.list({ status: "activ" as "active" }), "status"],
    ["a missing parameter", (s) => s.products.create(loosely({})), "name"],
  ])("old habits are 400: %s", async (_, call, named) => {
    const error = await stripeError(call(scene.stripe));
    expect(error.statusCode).toBe(400);
    expect(`${error.message} ${error.param}`).toContain(named);
  });

  test("a path that cannot be expanded is refused, a deep one too", async () => {
    const { id } = await scene.customer();
    for (const path of ["email", "nonsense", "a.b.c.d.e"]) {
      expect((await stripeError(scene.stripe.customers.retrieve(id, { expand: [path] }))).statusCode).toBe(
        400,
      );
    }
  });

  test("requests to another host name are refused", async () => {
    const { request } = await import("node:http");
    const status = await new Promise<number | undefined>((resolve) => {
      const headers = { host: "stripe.example.com" };
      request({ port: scene.sim.port, host: "127.0.0.1", path: "/__sim/report", headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(403);
  });

  test("production is refused", async () => {
    const mode = process.env.NODE_ENV;
    Object.assign(process.env, { NODE_ENV: "production" });
    try {
      await expect(startStripeSimulator({ schemaDir: SCHEMA_DIR })).rejects.toThrow("production");
    } finally {
      Object.assign(process.env, { NODE_ENV: mode });
    }
  });
});
