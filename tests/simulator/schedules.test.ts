import type Stripe from "stripe";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isoDay, Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

/** A subscription of $50 whose plan falls to $20, or to another price, at the end of the period. */
async function planned(to?: Stripe.Price, end_behavior: "release" | "cancel" = "release") {
  const { id } = await scene.subscribe(5000);
  const price = to ?? (await scene.price(2000));
  const schedule = await scene.stripe.subscriptionSchedules.create({ from_subscription: id });
  const [first] = schedule.phases;
  const updated = await scene.stripe.subscriptionSchedules.update(schedule.id, {
    end_behavior,
    phases: [
      {
        start_date: first!.start_date,
        end_date: first!.end_date,
        items: first!.items.map((item) => ({ price: item.price as string, quantity: item.quantity ?? 1 })),
      },
      { items: [{ price: price.id, quantity: 1 }], proration_behavior: "none" },
    ],
  });
  return { id, schedule: updated, price };
}

const amountOf = async (id: string) =>
  (await scene.stripe.subscriptions.retrieve(id)).items.data.map(({ price }) => price.unit_amount);

test("a downgrade waits for the end of the period, bills no proration, and then the schedule lets go", async () => {
  const { id, schedule } = await planned();
  expect((await scene.stripe.subscriptions.retrieve(id)).schedule).toBe(schedule.id);
  expect(schedule.phases.map((phase) => isoDay(phase.end_date))).toEqual(["2027-02-28", "2027-03-28"]);
  await scene.advanceDays(27);
  expect(await amountOf(id)).toEqual([5000]);
  const preview = await scene.stripe.invoices.createPreview({ subscription: id });
  expect(preview.amount_due).toBe(2000);
  await scene.advanceDays(2);
  expect(await amountOf(id)).toEqual([2000]);
  expect(await scene.invoicesOf(id)).toEqual([
    "subscription_create paid 5000",
    "subscription_cycle paid 2000",
  ]);
  await scene.advanceDays(31);
  const after = await scene.stripe.subscriptions.retrieve(id);
  expect(after).toMatchObject({ schedule: null, status: "active" });
  expect(isoDay(after.items.data[0]!.current_period_end)).toBe("2027-04-30");
  expect(await scene.stripe.subscriptionSchedules.retrieve(schedule.id)).toMatchObject({
    status: "released",
    released_subscription: id,
    subscription: null,
  });
  expect(scene.eventTypes("subscription_schedule")).toEqual([
    "subscription_schedule.created",
    "subscription_schedule.updated",
    "subscription_schedule.updated",
    "subscription_schedule.released",
  ]);
});

test("a schedule that is released changes nothing", async () => {
  const { id, schedule } = await planned();
  await scene.stripe.subscriptionSchedules.release(schedule.id);
  await scene.advanceDays(29);
  expect(await amountOf(id)).toEqual([5000]);
  expect((await stripeError(scene.stripe.subscriptionSchedules.release(schedule.id))).statusCode).toBe(400);
  const again = await scene.stripe.subscriptionSchedules.create({ from_subscription: id });
  expect(again.status).toBe("active");
});

test("another interval begins a billing cycle of its own at the end of the period", async () => {
  const { id } = await planned(await scene.price(20_000, "year"));
  await scene.advanceDays(29);
  const { items } = await scene.stripe.subscriptions.retrieve(id);
  expect(isoDay(items.data[0]!.current_period_end)).toBe("2028-02-28");
  expect((await scene.invoicesOf(id)).at(-1)).toBe("subscription_cycle paid 20000");
});

test("a schedule that cancels ends its subscription when the last phase is over", async () => {
  const { id, schedule } = await planned(undefined, "cancel");
  await scene.advanceDays(60);
  expect(await scene.statusOf(id)).toBe("canceled");
  expect(await scene.invoicesOf(id)).toHaveLength(2);
  expect((await scene.stripe.subscriptionSchedules.retrieve(schedule.id)).status).toBe("completed");
});

test("canceling either ends both", async () => {
  const [first, second] = [await planned(), await planned()];
  await scene.stripe.subscriptions.cancel(first.id);
  await scene.stripe.subscriptionSchedules.cancel(second.schedule.id);
  expect([await scene.statusOf(first.id), await scene.statusOf(second.id)]).toEqual(["canceled", "canceled"]);
  const list = await scene.stripe.subscriptionSchedules.list();
  expect(list.data.map(({ status }) => status)).toEqual(["canceled", "canceled"]);
  expect(scene.eventTypes("subscription_schedule.canceled")).toHaveLength(2);
});

test("a schedule of a subscription canceled for want of payment is aborted", async () => {
  const { id, schedule } = await planned();
  scene.sim.control.declineNext(99);
  await scene.advanceDays(60);
  expect(await scene.statusOf(id)).toBe("canceled");
  expect((await scene.stripe.subscriptionSchedules.retrieve(schedule.id)).status).toBe("canceled");
  expect(scene.eventTypes("subscription_schedule.aborted")).toHaveLength(1);
});

test("what a schedule manages is not changed beside it, and nobody schedules twice", async () => {
  const { id, schedule, price } = await planned();
  const refusals = [
    scene.stripe.subscriptions.update(id, { cancel_at_period_end: true }),
    scene.stripe.subscriptionSchedules.create({ from_subscription: id }),
    scene.stripe.subscriptionSchedules.create({ from_subscription: id, end_behavior: "cancel" }),
    scene.stripe.subscriptionSchedules.update(schedule.id, { phases: [{ items: [{ price: price.id }] }] }),
  ];
  for (const refusal of refusals) expect((await stripeError(refusal)).statusCode).toBe(400);
  expect(
    (await stripeError(scene.stripe.subscriptions.update(id, { items: [{ price: price.id }] }))).statusCode,
  ).toBe(501);
});

test("a phase that begins inside a period is prorated as it says", async () => {
  const { id } = await scene.subscribe(5000);
  const price = await scene.price(2000);
  const schedule = await scene.stripe.subscriptionSchedules.create({ from_subscription: id });
  const [first] = schedule.phases;
  await scene.stripe.subscriptionSchedules.update(schedule.id, {
    phases: [
      {
        start_date: first!.start_date,
        end_date: first!.start_date + 14 * 86_400,
        items: [{ price: first!.items[0]!.price as string, quantity: 1 }],
      },
      { items: [{ price: price.id }], proration_behavior: "create_prorations" },
    ],
  });
  await scene.advanceDays(15);
  expect(await amountOf(id)).toEqual([2000]);
  const { data } = await scene.stripe.invoiceItems.list({ pending: true });
  expect(data.map(({ amount }) => amount)).toEqual([1000, -2500]);
});
