import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Receiver, Scene, stripeError } from "./support";

let scene: Scene;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
  scene = await Scene.start({ webhooks: [receiver], retry: { baseMs: 5, maxAttempts: 4 } });
});
afterEach(async () => {
  await scene.end();
  await receiver.close();
  expect(receiver.badSignatures).toEqual([]);
});

describe("deliveries", () => {
  test("are signed, in the SDK's API version, and name the request that caused them", async () => {
    await scene.stripe.customers.create({ name: "Ada" }, { idempotencyKey: "customer-1" });
    await scene.sim.control.flush();
    const [event] = receiver.events;
    expect(event).toMatchObject({
      type: "customer.created",
      livemode: false,
      request: { idempotency_key: "customer-1", id: expect.stringContaining("req_") as string },
    });
    expect(event?.api_version).toMatch(/^2026-/);
    expect((await scene.stripe.events.retrieve(event!.id)).pending_webhooks).toBe(0);
  });

  test("stay verifiable however far the simulated clock is from real time", async () => {
    await scene.advanceDays(400);
    await scene.customer();
    await scene.sim.control.flush();
    expect(receiver.types).toEqual(["customer.created"]);
  });

  test("are repeated after failures until they succeed", async () => {
    receiver.nextStatuses.push(500, 500);
    await scene.customer();
    await scene.sim.control.flush();
    expect(receiver.types).toEqual(["customer.created"]);
    expect(scene.sim.deliveries.map(({ status, outcome }) => [status, outcome])).toEqual([
      [500, "failed"],
      [500, "failed"],
      [200, "delivered"],
    ]);
  });

  test("are given up after the last try and stay findable", async () => {
    receiver.nextStatuses.push(500, 500, 500, 500);
    await scene.customer();
    await scene.sim.control.flush();
    expect(receiver.events).toEqual([]);
    expect(scene.sim.deliveries.at(-1)?.outcome).toBe("abandoned");
    const lost = await scene.stripe.events.list({ delivery_success: false });
    expect(lost.data.map((event) => event.type)).toEqual(["customer.created"]);
    scene.sim.control.resend(lost.data[0]!.id);
    await scene.sim.control.flush();
    expect(receiver.types).toEqual(["customer.created"]);
  });

  test("metadata stays the text it was sent as", async () => {
    const { metadata } = await scene.stripe.customers.create({
      metadata: { code: "007", count: 12, big: "1e3" },
    });
    expect(metadata).toEqual({ code: "007", count: "12", big: "1e3" });
  });

  test("updates carry the former values only", async () => {
    const { id } = await scene.customer();
    await scene.stripe.customers.update(id, { name: "Ada", metadata: { tenant: "", plan: "pro" } });
    await scene.stripe.customers.update(id, { name: "Ada" });
    await scene.sim.control.flush();
    expect(receiver.types).toEqual(["customer.created", "customer.updated"]);
    expect(receiver.events[1]?.data.previous_attributes).toEqual({
      name: null,
      metadata: { tenant: "ten_1", plan: null },
    });
  });
});

describe("modes", () => {
  test("reverse and duplicate disturb the order, and drop loses an event that the list still has", async () => {
    scene.sim.control.setMode({ hold: true, reverse: true, duplicate: true, drop: ["product.created"] });
    await scene.customer();
    await scene.price(100);
    await scene.sim.control.flush();
    expect(receiver.events).toEqual([]);
    scene.sim.control.setMode({ hold: false });
    await scene.sim.control.flush();
    expect(receiver.types).toEqual([
      "price.created",
      "price.created",
      "customer.created",
      "customer.created",
    ]);
    expect((await scene.stripe.events.list({ type: "product.*" })).data).toHaveLength(1);
  });

  test("delay holds back the first try", async () => {
    scene.sim.control.setMode({ delayMs: 120 });
    const start = performance.now();
    await scene.customer();
    await scene.sim.control.flush();
    expect(performance.now() - start).toBeGreaterThan(100);
  });

  test("the control API works over HTTP, for JSON only", async () => {
    const call = (command: string, body: object, type = "application/json") =>
      fetch(`${scene.sim.url}/__sim/${command}`, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": type },
      });
    expect((await call("mode", { mode: { drop: ["*"] } })).status).toBe(200);
    await scene.customer();
    await call("flush", {});
    const report = (await (await fetch(`${scene.sim.url}/__sim/report`)).json()) as {
      deliveries: object[];
      now: string;
    };
    expect(report.deliveries).toMatchObject([{ outcome: "dropped" }]);
    await call("advance", { date: "2030-01-01T00:00:00Z" });
    expect(scene.sim.control.now().getUTCFullYear()).toBe(2030);
    expect((await call("mode", {}, "text/plain")).status).toBe(415);
    expect((await call("nonsense", {})).status).toBe(404);
  });
});

describe("endpoints", () => {
  test("show their secret once, receive what they asked for, and can be disabled and deleted", async () => {
    const second = await Receiver.start();
    const created = await scene.stripe.webhookEndpoints.create({
      url: second.url,
      enabled_events: ["product.created"],
    });
    expect(created.secret).toMatch(/^whsec_/);
    expect((await scene.stripe.webhookEndpoints.retrieve(created.id)).secret).toBeUndefined();
    Object.assign(second, { secret: created.secret });
    await scene.price(100);
    await scene.sim.control.flush();
    expect(second.types).toEqual(["product.created"]);
    await scene.stripe.webhookEndpoints.update(created.id, { disabled: true });
    await scene.price(100);
    await scene.sim.control.flush();
    expect(second.types).toHaveLength(1);
    await scene.stripe.webhookEndpoints.del(created.id);
    expect((await scene.stripe.webhookEndpoints.list()).data).toHaveLength(1);
    expect(second.badSignatures).toEqual([]);
    await second.close();
  });

  test("may only be on the loopback interface", async () => {
    const create = scene.stripe.webhookEndpoints.create({
      url: "https://example.com/hook",
      enabled_events: ["*"],
    });
    expect((await stripeError(create)).statusCode).toBe(400);
  });
});
