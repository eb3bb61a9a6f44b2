import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isoDay, Scene } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

describe("renewals", () => {
  test("a subscription of the 31st renews on the last day of short months and on the 31st again", async () => {
    const { id } = await scene.subscribe();
    const ends: string[] = [];
    for (const days of [0, 30, 30, 31]) {
      await scene.advanceDays(days);
      const { items } = await scene.stripe.subscriptions.retrieve(id);
      ends.push(isoDay(items.data[0]!.current_period_end));
    }
    expect(ends).toEqual(["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]);
    expect(await scene.invoicesOf(id)).toEqual([
      "subscription_create paid 2000",
      "subscription_cycle paid 2000",
      "subscription_cycle paid 2000",
      "subscription_cycle paid 2000",
    ]);
  });

  test("one jump over a year bills every month at its own time", async () => {
    const { id } = await scene.subscribe();
    await scene.advanceDays(365);
    const cycles = scene.sim.events.filter((event) => event.type === "invoice.paid");
    expect(cycles).toHaveLength(13);
    expect(new Set(cycles.map((event) => isoDay(event.created).slice(0, 7))).size).toBe(13);
    expect(await scene.statusOf(id)).toBe("active");
  });

  test("a failed renewal is past due, is retried, and recovers", async () => {
    const { id } = await scene.subscribe();
    scene.sim.control.declineNext(2);
    await scene.advanceDays(29);
    expect(await scene.statusOf(id)).toBe("past_due");
    await scene.advanceDays(10);
    expect(await scene.statusOf(id)).toBe("active");
    const [invoice] = (await scene.stripe.invoices.list({ subscription: id, limit: 1 })).data;
    expect(invoice).toMatchObject({ status: "paid", attempt_count: 3 });
    expect(scene.eventTypes("invoice.payment_failed")).toHaveLength(2);
  });

  test("after the last retry the subscription is canceled and collected no more", async () => {
    const { id } = await scene.subscribe();
    scene.sim.control.declineNext(99);
    await scene.advanceDays(120);
    const ended = await scene.stripe.subscriptions.retrieve(id);
    expect(ended).toMatchObject({ status: "canceled", cancellation_details: { reason: "payment_failed" } });
    expect(scene.eventTypes("invoice.payment_failed")).toHaveLength(5);
  });

  test("a subscription canceled while past due is charged no more", async () => {
    const { id } = await scene.subscribe();
    scene.sim.control.declineNext(1);
    await scene.advanceDays(28.5);
    await scene.stripe.subscriptions.cancel(id);
    await scene.advanceDays(20);
    expect(await scene.invoicesOf(id)).toEqual([
      "subscription_create paid 2000",
      "subscription_cycle open 2000",
    ]);
  });

  test("paying an older invoice does not settle a newer one", async () => {
    const patient = await Scene.start({
      now: () => new Date("2027-01-31T12:00:00Z"),
      dunning: { retryDays: [90, 90], finally: "unpaid" },
    });
    const { id } = await patient.subscribe();
    patient.sim.control.declineNext(2);
    await patient.advanceDays(62);
    const open = await patient.stripe.invoices.list({ subscription: id, status: "open" });
    expect(open.data).toHaveLength(2);
    await patient.stripe.invoices.pay(open.data[1]!.id);
    expect(await patient.statusOf(id)).toBe("past_due");
    await patient.stripe.invoices.pay(open.data[0]!.id);
    expect(await patient.statusOf(id)).toBe("active");
    await patient.end();
  });

  test("the clock never goes back", async () => {
    await scene.advanceDays(10);
    const then = scene.sim.control.now();
    await scene.sim.control.advanceTo(new Date("2020-01-01T00:00:00Z"));
    expect(scene.sim.control.now()).toEqual(then);
  });

  test("a customer can pay the open invoice on its page", async () => {
    const { id } = await scene.subscribe();
    scene.sim.control.declineNext(1);
    await scene.advanceDays(28.5);
    const [invoice] = (await scene.stripe.invoices.list({ subscription: id, status: "open" })).data;
    const refused = await scene.submit(invoice!.hosted_invoice_url!, { card: "declined" });
    expect(await refused.text()).toContain("Your card was declined.");
    const step = await scene.submit(invoice!.hosted_invoice_url!, { card: "three_d_secure" });
    await scene.submit(step.headers.get("location")!, { outcome: "complete" });
    expect((await scene.stripe.invoices.retrieve(invoice!.id)).status).toBe("paid");
    expect(await scene.statusOf(id)).toBe("active");
  });
});

describe("trials", () => {
  test("announce their end three days before and then bill", async () => {
    const { id, status } = await scene.subscribe(2000, { trial_period_days: 14 });
    expect(status).toBe("trialing");
    await scene.advanceDays(10);
    expect(scene.eventTypes("customer.subscription.trial_will_end")).toEqual([]);
    await scene.advanceDays(2);
    expect(scene.eventTypes("customer.subscription.trial_will_end")).toHaveLength(1);
    await scene.advanceDays(3);
    expect(await scene.statusOf(id)).toBe("active");
    expect(await scene.invoicesOf(id)).toEqual([
      "subscription_create paid 0",
      "subscription_cycle paid 2000",
    ]);
  });

  test.each([
    ["cancel", "canceled"],
    ["pause", "paused"],
    ["create_invoice", "past_due"],
  ] as const)("without a card, %s leaves it %s", async (missing_payment_method, status) => {
    const [price, customer] = [await scene.price(2000), await scene.customer()];
    const { id } = await scene.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      trial_period_days: 7,
      trial_settings: { end_behavior: { missing_payment_method } },
    });
    await scene.advanceDays(7.5);
    expect(await scene.statusOf(id)).toBe(status);
  });

  test("can be ended now", async () => {
    const { id } = await scene.subscribe(2000, { trial_period_days: 14 });
    await scene.stripe.subscriptions.update(id, { trial_end: "now" });
    expect(await scene.statusOf(id)).toBe("active");
    expect(await scene.invoicesOf(id)).toEqual([
      "subscription_create paid 0",
      "subscription_update paid 2000",
    ]);
  });
});
