import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Scene, SUCCESS_URL, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

const setupPage = (customer: string) =>
  scene.stripe.checkout.sessions.create({
    mode: "setup",
    currency: "usd",
    customer,
    success_url: SUCCESS_URL,
    setup_intent_data: { metadata: { tenant: "ten_1" } },
  });

const cardsOf = async (customer: string) =>
  (await scene.stripe.paymentMethods.list({ customer, type: "card" })).data.map(({ card }) => card?.last4);

describe("a page in setup mode", () => {
  test("stores a card, charges nothing, and tells of it", async () => {
    const { id } = await scene.customer();
    const session = await setupPage(id);
    expect(session).toMatchObject({ amount_total: null, payment_status: "no_payment_required" });
    expect(await scene.text(session.url!)).toContain("Save card");
    await scene.submit(session.url!, { action: "pay", card: "success" });
    const done = await scene.stripe.checkout.sessions.retrieve(session.id, {
      expand: ["setup_intent.payment_method"],
    });
    const setup = done.setup_intent as Stripe.SetupIntent;
    expect(done.status).toBe("complete");
    expect(setup).toMatchObject({ status: "succeeded", metadata: { tenant: "ten_1" } });
    expect((setup.payment_method as Stripe.PaymentMethod).customer).toBe(id);
    expect(await cardsOf(id)).toEqual(["4242"]);
    expect(scene.eventTypes().slice(1)).toEqual([
      "setup_intent.created",
      "payment_method.attached",
      "setup_intent.succeeded",
      "checkout.session.completed",
    ]);
    expect((await scene.stripe.charges.list()).data).toEqual([]);
  });

  test("goes on after a declined card and after 3-D Secure", async () => {
    const { id } = await scene.customer();
    const session = await setupPage(id);
    expect(await (await scene.submit(session.url!, { action: "pay", card: "declined" })).text()).toContain(
      "declined",
    );
    const step = await scene.submit(session.url!, { action: "pay", card: "three_d_secure" });
    await scene.submit(step.headers.get("location")!, { outcome: "fail" });
    expect(await cardsOf(id)).toEqual([]);
    const again = await scene.submit(session.url!, { action: "pay", card: "three_d_secure" });
    await scene.submit(again.headers.get("location")!, { outcome: "complete" });
    expect(await cardsOf(id)).toEqual(["3155"]);
    expect(scene.eventTypes("setup_intent.setup_failed")).toHaveLength(2);
    expect((await scene.stripe.checkout.sessions.retrieve(session.id)).status).toBe("complete");
  });

  test("takes a card that will be declined when it is charged", async () => {
    const { id } = await scene.customer();
    const session = await setupPage(id);
    await scene.submit(session.url!, { action: "pay", card: "declined_later" });
    const [method] = (await scene.stripe.paymentMethods.list({ customer: id })).data;
    const payment = { amount: 100, currency: "usd", customer: id, payment_method: method!.id, confirm: true };
    expect(await stripeError(scene.stripe.paymentIntents.create(payment))).toMatchObject({
      code: "card_declined",
    });
  });

  test("sells nothing", async () => {
    const price = await scene.price(1000);
    const wrong = scene.checkout({
      mode: "setup",
      currency: "usd",
      line_items: [{ price: price.id, quantity: 1 }],
    });
    expect((await stripeError(wrong)).statusCode).toBe(400);
    expect((await stripeError(scene.checkout({ mode: "setup" }))).statusCode).toBe(400);
  });
});

test("setup intents are made, confirmed, canceled and listed", async () => {
  const { id } = await scene.customer();
  const s = scene.stripe;
  const method = await s.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  const intent = await s.setupIntents.create({ customer: id, usage: "off_session" });
  expect(intent.status).toBe("requires_payment_method");
  expect((await s.setupIntents.confirm(intent.id, { payment_method: method.id })).status).toBe("succeeded");
  expect((await stripeError(s.setupIntents.confirm(intent.id))).code).toBe("setup_intent_unexpected_state");
  const other = await s.setupIntents.create({ customer: id });
  expect((await s.setupIntents.cancel(other.id)).status).toBe("canceled");
  expect((await s.setupIntents.list({ customer: id })).data.map(({ status }) => status)).toEqual([
    "canceled",
    "succeeded",
  ]);
  expect(await s.setupIntents.retrieve(intent.id)).toMatchObject({ payment_method: method.id });
});

test("the same number has the same fingerprint for everybody, another number another", async () => {
  const [a, b, c] = [await scene.payer(), await scene.payer(), await scene.payer("pm_card_mastercard")];
  const prints = await Promise.all(
    [a, b, c].map(async ({ id }) => (await scene.stripe.paymentMethods.list({ customer: id })).data[0]),
  );
  const [first, second, third] = prints.map((method) => method?.card?.fingerprint);
  expect(first).toBe(second);
  expect(first).not.toBe(third);
});

test("a card is detached from its customer and is the default no more", async () => {
  const { id, invoice_settings } = await scene.payer();
  await scene.stripe.paymentMethods.detach(invoice_settings.default_payment_method as string);
  expect(await cardsOf(id)).toEqual([]);
  expect(await scene.stripe.customers.retrieve(id)).toMatchObject({
    invoice_settings: { default_payment_method: null },
  });
  expect(scene.eventTypes("payment_method.detached")).toHaveLength(1);
});

test("a card that expires in month 3 pays two renewals, then is declined as expired until it is replaced", async () => {
  const { id, customer } = await scene.subscribe();
  const [method] = (await scene.stripe.paymentMethods.list({ customer: customer as string })).data;
  scene.sim.control.expireCard(method!.id, new Date("2027-04-01T00:00:00Z"));
  expect((await scene.stripe.paymentMethods.retrieve(method!.id)).card).toMatchObject({
    exp_month: 3,
    exp_year: 2027,
  });
  await scene.advanceDays(60);
  expect(await scene.statusOf(id)).toBe("active");
  await scene.advanceDays(30);
  expect(await scene.statusOf(id)).toBe("past_due");
  const [intent] = (await scene.stripe.paymentIntents.list()).data;
  expect(intent?.last_payment_error).toMatchObject({ code: "expired_card" });
  const fresh = await scene.stripe.paymentMethods.attach("pm_card_visa", { customer: customer as string });
  await scene.stripe.customers.update(customer as string, {
    invoice_settings: { default_payment_method: fresh.id },
  });
  await scene.advanceDays(10);
  expect(await scene.statusOf(id)).toBe("active");
});
