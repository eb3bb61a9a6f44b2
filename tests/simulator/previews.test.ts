import type Stripe from "stripe";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Scene } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

// A small generator with a fixed start, so that a miss can be repeated.
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const shown = (invoice: Stripe.Invoice) => ({
  due: invoice.amount_due,
  total: invoice.total,
  lines: invoice.lines.data.map(({ amount, discount_amounts }) => [
    amount,
    (discount_amounts ?? []).map((each) => each.amount),
  ]),
});

test("a preview is the invoice that follows, for changes of price, quantity, interval and discount at any instant", async () => {
  const roll = dice(2027);
  const prices = [
    await scene.price(1999),
    await scene.price(4950),
    await scene.price(19_900, "year"),
    await scene.price(0),
  ];
  const coupons = [
    await scene.stripe.coupons.create({ percent_off: 33.33, duration: "forever" }),
    await scene.stripe.coupons.create({ amount_off: 777, currency: "usd", duration: "forever" }),
    await scene.stripe.coupons.create({ percent_off: 50, duration: "once" }),
  ];
  const { id } = await scene.subscribe(1999);
  for (let change = 0; change < 40; change++) {
    await scene.advanceDays(roll(400) / 10);
    const { items } = await scene.stripe.subscriptions.retrieve(id);
    const details = {
      items: [{ id: items.data[0]!.id, price: prices[roll(4)]!.id, quantity: 1 + roll(5) }],
      proration_behavior: roll(5) === 0 ? ("none" as const) : ("always_invoice" as const),
      ...(roll(4) === 0 ? { billing_cycle_anchor: { type: "now" as const } } : {}),
    };
    const discounts = roll(3) === 0 ? [{ coupon: coupons[roll(3)]!.id }] : undefined;
    if (discounts) await scene.stripe.subscriptions.update(id, { discounts });
    const before = (await scene.invoicesOf(id)).length;
    const preview = await scene.stripe.invoices.createPreview({
      subscription: id,
      subscription_details: details,
    });
    const updated = await scene.stripe.subscriptions.update(id, { ...details, expand: ["latest_invoice"] });
    if ((await scene.invoicesOf(id)).length === before) continue;
    expect(shown(updated.latest_invoice as Stripe.Invoice), `change ${change}`).toEqual(shown(preview));
  }
});

test("the preview of a schedule's phases is the renewal that follows", async () => {
  const { id } = await scene.subscribe(5000);
  const smaller = await scene.price(2000);
  const schedule = await scene.stripe.subscriptionSchedules.create({ from_subscription: id });
  const [first] = schedule.phases;
  const phases = [
    {
      start_date: first!.start_date,
      end_date: first!.end_date,
      items: [{ price: first!.items[0]!.price as string, quantity: 1 }],
    },
    { items: [{ price: smaller.id, quantity: 2 }], proration_behavior: "none" as const },
  ];
  const preview = await scene.stripe.invoices.createPreview({
    schedule: schedule.id,
    schedule_details: { phases },
  });
  expect((await scene.stripe.subscriptionSchedules.retrieve(schedule.id)).phases).toHaveLength(1);
  await scene.stripe.subscriptionSchedules.update(schedule.id, { phases });
  await scene.advanceDays(29);
  const [renewal] = (await scene.stripe.invoices.list({ subscription: id })).data;
  expect(shown(renewal!)).toEqual(shown(preview));
  expect(renewal!.amount_due).toBe(4000);
});
