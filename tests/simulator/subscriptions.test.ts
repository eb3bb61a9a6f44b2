import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isoDay, Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

describe("changes", () => {
  test("an upgrade halfway credits and charges half, to the minor unit", async () => {
    const { id, items } = await scene.subscribe(2001);
    const bigger = await scene.price(5000);
    await scene.advanceDays(14);
    const updated = await scene.stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]!.id, price: bigger.id }],
      proration_behavior: "always_invoice",
      expand: ["latest_invoice"],
    });
    const invoice = updated.latest_invoice as Stripe.Invoice;
    expect(invoice.lines.data.map((line) => line.amount)).toEqual([-1001, 2500]);
    expect(invoice).toMatchObject({
      billing_reason: "subscription_update",
      amount_due: 1499,
      status: "paid",
    });
    expect(invoice.lines.data[0]?.parent?.subscription_item_details?.proration).toBe(true);
    const event = scene.lastEvent("customer.subscription.updated");
    expect(event.data.previous_attributes).toHaveProperty("items.data");
  });

  test("the preview of an upgrade is what the upgrade costs", async () => {
    const { id, items } = await scene.subscribe();
    const bigger = await scene.price(5000);
    await scene.advanceDays(7);
    const change = {
      items: [{ id: items.data[0]!.id, price: bigger.id }],
      proration_behavior: "always_invoice" as const,
    };
    const preview = await scene.stripe.invoices.createPreview({
      subscription: id,
      subscription_details: change,
    });
    const updated = await scene.stripe.subscriptions.update(id, { ...change, expand: ["latest_invoice"] });
    expect((updated.latest_invoice as Stripe.Invoice).amount_due).toBe(preview.amount_due);
    expect(preview.amount_due).toBe(2250);
  });

  test("a downgrade's credit goes to the balance and pays for the next period", async () => {
    const { id, items, customer } = await scene.subscribe(6000);
    const smaller = await scene.price(2000);
    await scene.stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]!.id, price: smaller.id }],
      proration_behavior: "always_invoice",
    });
    expect((await scene.stripe.customers.retrieve(customer as string)) as Stripe.Customer).toMatchObject({
      balance: -4000,
    });
    await scene.advanceDays(29);
    expect((await scene.invoicesOf(id)).at(-1)).toBe("subscription_cycle paid 0");
    expect((await scene.stripe.customers.retrieve(customer as string)) as Stripe.Customer).toMatchObject({
      balance: -2000,
    });
  });

  test("by default prorations wait for the next invoice; with none there are none", async () => {
    const { id, items } = await scene.subscribe(2000);
    const item = items.data[0]!.id;
    const [middle, bigger] = [await scene.price(3000), await scene.price(5000)];
    await scene.stripe.subscriptions.update(id, { items: [{ id: item, price: middle.id }] });
    await scene.stripe.subscriptions.update(id, {
      items: [{ id: item, price: bigger.id }],
      proration_behavior: "none",
    });
    expect(
      (await scene.stripe.invoiceItems.list({ pending: true })).data.map(({ amount }) => amount),
    ).toEqual([3000, -2000]);
    await scene.advanceDays(29);
    expect((await scene.invoicesOf(id)).at(-1)).toBe("subscription_cycle paid 6000");
  });

  test("a new interval starts a new period and is billed at once", async () => {
    const { id, items } = await scene.subscribe(2000);
    const yearly = await scene.price(20_000, "year");
    await scene.advanceDays(14);
    const updated = await scene.stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]!.id, price: yearly.id }],
    });
    expect(isoDay(updated.items.data[0]!.current_period_end)).toBe("2028-02-14");
    expect((await scene.invoicesOf(id)).at(-1)).toBe("subscription_update paid 19000");
  });

  test("an upgrade that cannot be paid waits under pending_if_incomplete, and expires", async () => {
    const { id, items } = await scene.subscribe();
    const bigger = await scene.price(5000);
    const change = {
      items: [{ id: items.data[0]!.id, price: bigger.id }],
      proration_behavior: "always_invoice" as const,
    };
    scene.sim.control.declineNext(1);
    const waiting = await scene.stripe.subscriptions.update(id, {
      ...change,
      payment_behavior: "pending_if_incomplete",
    });
    expect(waiting.items.data[0]!.price.unit_amount).toBe(2000);
    expect(waiting).toMatchObject({ status: "active", pending_update: { trial_end: null } });
    const paid = await scene.stripe.invoices.pay(waiting.latest_invoice as string);
    expect(paid.status).toBe("paid");
    const applied = await scene.stripe.subscriptions.retrieve(id);
    expect(applied).toMatchObject({ pending_update: null });
    expect(applied.items.data[0]!.price.unit_amount).toBe(5000);
    expect(scene.eventTypes("customer.subscription.pending_update_applied")).toHaveLength(1);
  });

  test("a pending update that is never paid is dropped after 23 hours", async () => {
    const { id, items } = await scene.subscribe();
    const bigger = await scene.price(5000);
    scene.sim.control.declineNext(1);
    const waiting = await scene.stripe.subscriptions.update(id, {
      items: [{ id: items.data[0]!.id, price: bigger.id }],
      proration_behavior: "always_invoice",
      payment_behavior: "pending_if_incomplete",
    });
    await scene.advanceDays(1);
    const after = await scene.stripe.subscriptions.retrieve(id);
    expect(after.pending_update).toBeNull();
    expect(after.items.data[0]!.price.unit_amount).toBe(2000);
    expect((await scene.stripe.invoices.retrieve(waiting.latest_invoice as string)).status).toBe("void");
  });

  test("error_if_incomplete changes nothing when the card fails", async () => {
    const { id, items } = await scene.subscribe();
    const bigger = await scene.price(5000);
    scene.sim.control.declineNext(1);
    const error = await stripeError(
      scene.stripe.subscriptions.update(id, {
        items: [{ id: items.data[0]!.id, price: bigger.id }],
        proration_behavior: "always_invoice",
        payment_behavior: "error_if_incomplete",
      }),
    );
    expect(error).toMatchObject({ statusCode: 402, code: "card_declined" });
    expect((await scene.stripe.subscriptions.retrieve(id)).items.data[0]!.price.unit_amount).toBe(2000);
    expect(await scene.invoicesOf(id)).toHaveLength(1);
  });
});

describe("endings", () => {
  test("cancel_at_period_end keeps it until then and can be taken back", async () => {
    const { id } = await scene.subscribe();
    const planned = await scene.stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect(planned.cancel_at).toBe(planned.items.data[0]!.current_period_end);
    const resumed = await scene.stripe.subscriptions.update(id, { cancel_at_period_end: false });
    expect(resumed).toMatchObject({ cancel_at: null, canceled_at: null, status: "active" });
    await scene.stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await scene.advanceDays(29);
    expect(await scene.statusOf(id)).toBe("canceled");
    expect(await scene.invoicesOf(id)).toHaveLength(1);
    expect(scene.eventTypes("customer.subscription.deleted")).toHaveLength(1);
  });

  test("cancel ends it now, once", async () => {
    const { id, customer } = await scene.subscribe();
    const canceled = await scene.stripe.subscriptions.cancel(id, {
      cancellation_details: { comment: "Too dear" },
    });
    expect(canceled).toMatchObject({
      status: "canceled",
      cancellation_details: { reason: "cancellation_requested", comment: "Too dear" },
    });
    expect((await stripeError(scene.stripe.subscriptions.cancel(id))).statusCode).toBe(404);
    const list = (status?: "all") =>
      scene.stripe.subscriptions.list({ customer: customer as string, ...(status ? { status } : {}) });
    expect((await list()).data).toHaveLength(0);
    expect((await list("all")).data).toHaveLength(1);
  });

  test("a first invoice that is not paid within 23 hours ends it", async () => {
    const [price, customer] = [await scene.price(2000), await scene.payer("pm_card_chargeCustomerFail")];
    const { id, status } = await scene.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
    });
    expect(status).toBe("incomplete");
    await scene.advanceDays(0.9);
    expect(await scene.statusOf(id)).toBe("incomplete");
    await scene.advanceDays(0.1);
    expect(await scene.statusOf(id)).toBe("incomplete_expired");
    expect(await scene.invoicesOf(id)).toEqual(["subscription_create void 2000"]);
  });

  test("an incomplete subscription becomes active when its invoice is paid", async () => {
    const [price, customer] = [await scene.price(2000), await scene.payer()];
    const created = await scene.stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      payment_behavior: "default_incomplete",
    });
    expect(created.status).toBe("incomplete");
    await scene.stripe.invoices.pay(created.latest_invoice as string);
    expect(await scene.statusOf(created.id)).toBe("active");
  });
});
