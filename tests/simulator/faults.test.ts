import { afterEach, beforeEach, expect, test } from "vitest";
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
});

const create = (key: string) => scene.stripe.customers.create({ name: key }, { idempotencyKey: key });
const names = async () => (await scene.stripe.customers.list({ limit: 100 })).data.map(({ name }) => name);

test("a connection closed before the effect leaves nothing; closed after it, the same key finds what was made", async () => {
  // The SDK itself tries once more when a connection closes.
  scene.sim.control.failNext("close-before", 2);
  expect((await stripeError(create("before"))).type).toBe("StripeConnectionError");
  expect(await names()).toEqual([]);
  scene.sim.control.failNext("close", 2);
  await create("after").catch(() => undefined);
  expect(await names()).toEqual(["after"]);
  await create("after");
  expect(await names()).toEqual(["after"]);
});

test("a fault can wait for a later request", async () => {
  scene.sim.control.failNext("429", 1, 2);
  await create("first");
  await create("second");
  expect((await stripeError(create("third"))).statusCode).toBe(429);
  await create("third");
  expect((await names()).length).toBe(3);
});

/** Which of forty events arrive, and how often, under a seed. */
async function arrivals(seed: string): Promise<string[]> {
  const listener = await Receiver.start();
  const other = await Scene.start({ webhooks: [listener] });
  other.sim.control.setMode({ chance: { seed, drop: 0.3, duplicate: 0.3, late: 0.2, lateMs: 40 } });
  for (let n = 0; n < 40; n++) await other.stripe.customers.create({ name: `n${n}` });
  await other.sim.control.flush();
  await other.end();
  await listener.close();
  return listener.events.map((event) => (event.data.object as { name: string }).name);
}

test("chance drops, doubles and delays the same events for the same seed", async () => {
  const [first, again, other] = [await arrivals("a"), await arrivals("a"), await arrivals("b")];
  expect(again.toSorted()).toEqual(first.toSorted());
  expect(other.toSorted()).not.toEqual(first.toSorted());
  const different = new Set(first).size;
  expect(different).toBeGreaterThan(18);
  expect(different).toBeLessThan(38);
  expect(first.length).toBeGreaterThan(different);
  const order = first.map((name) => Number(name.slice(1)));
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
});

test("everything can be set over HTTP too", async () => {
  const post = async (command: string, body: object) => {
    const response = await fetch(`${scene.sim.url}/__sim/${command}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const customer = await scene.payer();
  const paymentMethod = customer.invoice_settings.default_payment_method;
  expect(await post("fail-next", { kind: "close-before", count: 1, after: 1 })).toEqual({
    faults: [null, "close-before"],
  });
  expect(await post("expire-card", { paymentMethod, date: "2030-05-01T00:00:00Z" })).toMatchObject({
    card: { exp_month: 4, exp_year: 2030 },
  });
  expect(await post("expire-card", { paymentMethod, date: "soon" })).toHaveProperty("error");
  const dunning = { retryDays: [2], finally: "unpaid", invoice: "uncollectible" };
  expect(await post("dunning", { dunning })).toEqual({ dunning });
  const chance = { seed: "x", drop: 0, duplicate: 0, late: 1, lateMs: 1 };
  expect(await post("mode", { mode: { chance } })).toMatchObject({ mode: { chance } });
});
