import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Receiver, Scene } from "./support";

let dir: string;
let stateFile: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "stripe-simulator-"));
  stateFile = path.join(dir, "state.json");
});
afterEach(() => rm(dir, { recursive: true }));

test("objects, secrets, keys, ids and the clock survive a restart", async () => {
  const before = await Scene.start({ stateFile });
  const price = await before.price(2000);
  const payer = await before.payer();
  const first = await before.stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key-1" });
  const subscription = await before.stripe.subscriptions.create({
    customer: payer.id,
    items: [{ price: price.id }],
  });
  const session = await before.checkout({ line_items: [{ price: price.id, quantity: 1 }] });
  await before.advanceDays(10);
  const then = before.sim.control.now();
  await before.end();

  const after = await Scene.start({ stateFile });
  const replay = await after.stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key-2" });
  expect(replay.id).not.toBe(first.id);
  expect(after.sim.control.now().getTime()).toBeGreaterThanOrEqual(then.getTime());
  expect(await after.stripe.subscriptions.retrieve(subscription.id)).toMatchObject({ status: "active" });
  expect((await after.stripe.checkout.sessions.retrieve(session.id)).status).toBe("expired");
  const [invoice] = (await after.stripe.invoices.list({ subscription: subscription.id })).data;
  expect(await after.text(invoice!.hosted_invoice_url!)).toContain("$20.00");
  await after.advanceDays(25);
  expect((await after.stripe.invoices.list({ subscription: subscription.id })).data).toHaveLength(2);
  await after.end();
  expect(await readdir(dir)).toEqual(["state.json"]);
});

test("an idempotency key still replays after a restart", async () => {
  const before = await Scene.start({ stateFile });
  const first = await before.stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key-1" });
  await before.end();
  const after = await Scene.start({ stateFile });
  const again = await after.stripe.customers.create({ name: "Ada" }, { idempotencyKey: "key-1" });
  expect(again.id).toBe(first.id);
  await after.end();
});

test("deliveries that were waiting are made after the restart, once", async () => {
  const receiver = await Receiver.start();
  const before = await Scene.start({ stateFile, webhooks: [receiver] });
  before.sim.control.setMode({ hold: true });
  await before.customer();
  await before.end();
  expect(receiver.events).toEqual([]);
  const after = await Scene.start({ stateFile, webhooks: [receiver] });
  await after.sim.control.flush();
  expect(receiver.types).toEqual(["customer.created"]);
  expect((await after.stripe.webhookEndpoints.list()).data).toHaveLength(1);
  await after.end();
  await receiver.close();
});

test("the same seed gives the same ids, another seed others", async () => {
  const ids: string[] = [];
  for (const seed of ["a", "a", "b"]) {
    const scene = await Scene.start({ seed });
    ids.push((await scene.customer()).id);
    await scene.end();
  }
  expect(ids[0]).toMatch(/^cus_[A-Za-z0-9]{14}$/);
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
});
