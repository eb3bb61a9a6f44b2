import { afterEach, beforeEach, expect, test } from "vitest";
import { isoDay, Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

test("a paused subscription bills nothing; resumed, it begins a new period and is paid", async () => {
  const { id } = await scene.subscribe();
  await scene.advanceDays(10);
  const paused = await scene.stripe.subscriptions.pause(id);
  expect(paused.status_details?.paused).toMatchObject({ subscription: { type: "pause_requested" } });
  await scene.advanceDays(60);
  expect(await scene.statusOf(id)).toBe("paused");
  expect(await scene.invoicesOf(id)).toHaveLength(1);
  const resumed = await scene.stripe.subscriptions.resume(id);
  expect(resumed.status).toBe("active");
  expect(resumed.status_details).toBeUndefined();
  expect(isoDay(resumed.items.data[0]!.current_period_end)).toBe("2027-05-11");
  expect((await scene.invoicesOf(id)).at(-1)).toBe("subscription_update paid 2000");
  expect([
    ...scene.eventTypes("customer.subscription.paused"),
    ...scene.eventTypes("customer.subscription.resumed"),
  ]).toHaveLength(2);
});

test("resumed within the period that was paid, it costs nothing and keeps its day", async () => {
  const { id } = await scene.subscribe();
  await scene.stripe.subscriptions.pause(id);
  await scene.advanceDays(10);
  await scene.stripe.subscriptions.resume(id, { billing_cycle_anchor: { type: "unchanged" } });
  expect(await scene.statusOf(id)).toBe("active");
  expect(await scene.invoicesOf(id)).toHaveLength(1);
  await scene.advanceDays(20);
  expect(await scene.invoicesOf(id)).toHaveLength(2);
});

test("a resumption that cannot be paid waits 23 hours and then stays paused", async () => {
  const { id } = await scene.subscribe();
  await scene.stripe.subscriptions.pause(id);
  scene.sim.control.declineNext(1);
  const waiting = await scene.stripe.subscriptions.resume(id);
  expect(waiting.status).toBe("paused");
  await scene.advanceDays(1);
  expect((await scene.stripe.invoices.retrieve(waiting.latest_invoice as string)).status).toBe("void");
  scene.sim.control.declineNext(1);
  const again = await scene.stripe.subscriptions.resume(id);
  await scene.stripe.invoices.pay(again.latest_invoice as string);
  expect(await scene.statusOf(id)).toBe("active");
});

test("a subscription with a schedule, or one that ended, refuses to pause", async () => {
  const [first, second] = [await scene.subscribe(), await scene.subscribe()];
  await scene.stripe.subscriptionSchedules.create({ from_subscription: first.id });
  await scene.stripe.subscriptions.cancel(second.id);
  for (const { id } of [first, second])
    expect((await stripeError(scene.stripe.subscriptions.pause(id))).statusCode).toBe(400);
  expect((await stripeError(scene.stripe.subscriptions.resume(first.id))).statusCode).toBe(400);
});

test.each([
  ["void", "void"],
  ["mark_uncollectible", "uncollectible"],
] as const)("while collection is paused with %s, periods go on unpaid", async (behavior, status) => {
  const { id } = await scene.subscribe();
  const resumes_at = Math.floor(scene.sim.control.now().getTime() / 1000) + 40 * 86_400;
  const paused = await scene.stripe.subscriptions.update(id, { pause_collection: { behavior, resumes_at } });
  expect(paused).toMatchObject({ status: "active", pause_collection: { behavior, resumes_at } });
  await scene.advanceDays(62);
  expect(await scene.invoicesOf(id)).toEqual([
    "subscription_create paid 2000",
    `subscription_cycle ${status} 2000`,
    "subscription_cycle paid 2000",
  ]);
  expect((await scene.stripe.subscriptions.retrieve(id)).pause_collection).toBeNull();
});

test("a trial without a card ends as the subscription says by then", async () => {
  const [price, customer] = [await scene.price(2000), await scene.customer()];
  const session = await scene.checkout({
    customer: customer.id,
    line_items: [{ price: price.id, quantity: 1 }],
    payment_method_collection: "if_required",
    subscription_data: {
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
    },
  });
  await scene.submit(session.url!, { action: "pay" });
  const { subscription } = await scene.stripe.checkout.sessions.retrieve(session.id);
  await scene.stripe.subscriptions.update(subscription as string, {
    trial_settings: { end_behavior: { missing_payment_method: "pause" } },
  });
  await scene.advanceDays(8);
  const ended = await scene.stripe.subscriptions.retrieve(subscription as string);
  expect(ended.status_details?.paused.subscription.type).toBe("trial_end_without_payment_method");
});

test.each([
  ["unpaid", "unpaid"],
  ["past_due", "past_due"],
] as const)("after the last retry it can stay %s, with its invoice written off", async (fate, status) => {
  scene.sim.control.setDunning({ retryDays: [1], finally: fate, invoice: "uncollectible" });
  const { id } = await scene.subscribe();
  scene.sim.control.declineNext(2);
  await scene.advanceDays(30);
  expect(await scene.statusOf(id)).toBe(status);
  const [invoice] = (await scene.stripe.invoices.list({ subscription: id })).data;
  expect(invoice?.status).toBe("uncollectible");
  expect(scene.eventTypes("invoice.marked_uncollectible")).toHaveLength(1);
  await scene.stripe.invoices.pay(invoice!.id);
  expect(await scene.statusOf(id)).toBe("active");
});
