import type Stripe from "stripe";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start();
});
afterEach(() => scene.end());

const named = (name: string, amount: number): Stripe.Checkout.SessionCreateParams.LineItem => ({
  price_data: { currency: "usd", unit_amount: amount, product_data: { name } },
  quantity: 1,
});
const TAXED = { automatic_tax: { enabled: true }, customer_update: { address: "auto" as const } };

async function paid(session: Stripe.Checkout.Session) {
  await scene.submit(session.url!, { action: "pay", card: "success" });
  return scene.stripe.checkout.sessions.retrieve(session.id, {
    expand: ["line_items", "subscription", "invoice.payments", "payment_intent"],
  });
}

test("several lines that say themselves what they cost are one payment", async () => {
  const { id } = await scene.customer();
  const line_items = [named("Standard, 30 days", 2_000), named("250 credits", 250)];
  const session = await scene.checkout({ mode: "payment", customer: id, line_items });
  const page = await scene.text(session.url!);
  expect(page).toContain("Standard, 30 days");
  expect(page).toContain("250 credits");
  expect(page).toContain("$22.50");
  const { line_items: lines, amount_total, payment_intent } = await paid(session);
  expect(amount_total).toBe(2_250);
  expect(lines?.data.map(({ description, amount_total }) => [description, amount_total])).toEqual([
    ["Standard, 30 days", 2_000],
    ["250 credits", 250],
  ]);
  expect(payment_intent).toMatchObject({ amount_received: 2_250, status: "succeeded" });
});

test("what is paid once stands on a subscription's first invoice, and on no other", async () => {
  const price = await scene.price(2_000);
  const { id } = await scene.customer();
  const line_items = [{ price: price.id, quantity: 1 }, named("250 credits", 250)];
  const session = await paid(await scene.checkout({ customer: id, line_items }));
  const subscription = session.subscription as Stripe.Subscription;
  const invoice = session.invoice as Stripe.Invoice;
  expect(session).toMatchObject({ amount_total: 2_250, payment_status: "paid", payment_intent: null });
  expect(subscription.items.data.map((item) => item.price.id)).toEqual([price.id]);
  expect(invoice).toMatchObject({ total: 2_250, status: "paid", billing_reason: "subscription_create" });
  expect(invoice.lines.data.map(({ amount }) => amount).sort()).toEqual([2_000, 250]);
  expect(invoice.payments?.data).toMatchObject([{ status: "paid", amount_paid: 2_250 }]);
  await scene.advanceDays(32);
  expect(await scene.invoicesOf(subscription.id)).toEqual([
    "subscription_create paid 2250",
    "subscription_cycle paid 2000",
  ]);
});

test("during a trial only what is paid once is due", async () => {
  const price = await scene.price(2_000);
  const { id } = await scene.customer();
  const line_items = [{ price: price.id, quantity: 1 }, named("250 credits", 250)];
  const subscription_data = { trial_period_days: 7 };
  const session = await paid(await scene.checkout({ customer: id, line_items, subscription_data }));
  expect(session).toMatchObject({ amount_total: 250, payment_status: "paid" });
  expect(session.subscription).toMatchObject({ status: "trialing" });
  expect(session.invoice).toMatchObject({ total: 250, status: "paid" });
});

test("automatic tax comes on top: of a payment, of a first invoice, and of those that follow", async () => {
  const { id } = await scene.customer();
  const once = await scene.checkout({
    mode: "payment",
    customer: id,
    line_items: [named("A", 99), named("B", 2)],
    ...TAXED,
  });
  expect(await scene.text(once.url!)).toContain("Tax");
  expect(await paid(once)).toMatchObject({
    amount_subtotal: 101,
    amount_total: 121,
    total_details: { amount_tax: 20 },
    automatic_tax: { enabled: true, status: "complete" },
    payment_intent: { amount_received: 121 },
  });
  const price = await scene.price(2_000);
  const line_items = [{ price: price.id, quantity: 1 }, named("250 credits", 250)];
  const session = await paid(await scene.checkout({ customer: id, line_items, ...TAXED }));
  expect(session).toMatchObject({ amount_total: 2_700, total_details: { amount_tax: 450 } });
  expect(session.invoice).toMatchObject({
    subtotal: 2_250,
    total: 2_700,
    amount_paid: 2_700,
    total_taxes: [{ amount: 450, taxable_amount: 2_250 }],
  });
  await scene.advanceDays(32);
  expect(await scene.invoicesOf((session.subscription as Stripe.Subscription).id)).toEqual([
    "subscription_create paid 2700",
    "subscription_cycle paid 2400",
  ]);
});

test("automatic tax wants to know where a known customer is", async () => {
  const { id } = await scene.customer();
  const asked = scene.checkout({
    mode: "payment",
    customer: id,
    line_items: [named("A", 100)],
    automatic_tax: { enabled: true },
  });
  expect(await stripeError(asked)).toMatchObject({ statusCode: 400, param: "customer_update" });
});

test("a subscription checkout without anything that renews is refused", async () => {
  const asked = scene.checkout({ line_items: [named("A", 100)] });
  expect(await stripeError(asked)).toMatchObject({ statusCode: 400, param: "line_items" });
});
