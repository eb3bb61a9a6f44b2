import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANCEL_URL, Scene, stripeError } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start();
});
afterEach(() => scene.end());

async function planCheckout(fields: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const price = await scene.price(2000);
  const customer = await scene.customer();
  const line_items = [{ price: price.id, quantity: 1 }];
  return scene.checkout({ customer: customer.id, line_items, ...fields });
}

describe("the hosted page", () => {
  test("says that it is simulated and shows what is bought, with labelled controls", async () => {
    const session = await planCheckout();
    const page = await scene.text(session.url!);
    expect(page).toContain("Simulated Stripe Checkout – no money moves");
    expect(page).toContain("$20.00");
    expect(page).toContain("Pro");
    expect(page).toContain("ada@example.com");
    expect(page).toMatch(/<label>Card\s*<select name="card">/);
    expect(page).toMatch(/aria-label="Pay"/);
    expect(page).toContain("Cancel and go back");
  });

  test("escapes what it shows", async () => {
    const price = await scene.price(500, "month", "<script>alert(1)</script>");
    const session = await scene.checkout({ line_items: [{ price: price.id, quantity: 1 }] });
    expect(await scene.text(session.url!)).not.toContain("<script>");
  });

  test("paying starts the subscription, sends the person back and is complete", async () => {
    const session = await planCheckout({
      client_reference_id: "ten_1",
      metadata: { purpose: "plan" },
      subscription_data: { metadata: { tenant: "ten_1" } },
    });
    const answer = await scene.submit(session.url!, { action: "pay", card: "success" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe(`http://127.0.0.1:1/done?session=${session.id}`);
    const paid = await scene.stripe.checkout.sessions.retrieve(session.id, {
      expand: ["line_items", "subscription.latest_invoice.payments", "customer"],
    });
    const subscription = paid.subscription as Stripe.Subscription;
    const invoice = subscription.latest_invoice as Stripe.Invoice;
    expect(paid).toMatchObject({
      status: "complete",
      payment_status: "paid",
      url: null,
      client_reference_id: "ten_1",
    });
    expect(paid.line_items?.data[0]?.amount_total).toBe(2000);
    expect(subscription).toMatchObject({ status: "active", metadata: { tenant: "ten_1" } });
    expect(invoice.parent?.subscription_details?.metadata).toEqual({ tenant: "ten_1" });
    expect(invoice.payments?.data[0]).toMatchObject({ status: "paid", amount_paid: 2000 });
    expect(await scene.text(`/c/pay/${session.id}`)).toContain("This checkout is complete");
  });

  test("a double click on Pay charges once", async () => {
    const session = await planCheckout();
    const fields = { action: "pay", card: "success" };
    const answers = await Promise.all([
      scene.submit(session.url!, fields),
      scene.submit(session.url!, fields),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([303, 303]);
    expect(scene.eventTypes("charge.succeeded")).toHaveLength(1);
    expect(scene.eventTypes("customer.subscription.created")).toHaveLength(1);
  });

  test("a declined card leaves the page open for another try", async () => {
    const price = await scene.price(2000);
    const session = await scene.checkout({ line_items: [{ price: price.id, quantity: 1 }] });
    const answer = await scene.submit(session.url!, { card: "declined", email: "bo@example.com" });
    const page = await answer.text();
    expect(page).toMatch(/role="alert">Your card was declined\./);
    expect(page).toContain('value="bo@example.com"');
    expect(scene.eventTypes("customer.subscription")).toEqual([]);
    const again = await scene.submit(session.url!, { card: "success", email: "bo@example.com" });
    expect(again.status).toBe(303);
    expect((await scene.stripe.checkout.sessions.retrieve(session.id)).status).toBe("complete");
  });

  test.each(["subscription", "payment"] as const)("3-D Secure decides a %s checkout", async (mode) => {
    const price = await scene.price(1500, mode === "payment" ? null : "month");
    const session = await scene.checkout({ mode, line_items: [{ price: price.id, quantity: 1 }] });
    const start = () =>
      scene.submit(session.url!, { action: "pay", card: "three_d_secure", email: "bo@example.com" });
    const step = (await start()).headers.get("location")!;
    expect(await scene.text(step)).toContain("Complete authentication");
    const failed = await scene.submit(step, { outcome: "fail" });
    expect(await failed.text()).toContain("We are unable to authenticate your payment method");
    expect(scene.eventTypes("checkout.session.completed")).toEqual([]);
    const secondStep = (await start()).headers.get("location")!;
    expect((await scene.submit(secondStep, { outcome: "complete" })).status).toBe(303);
    const paid = await scene.stripe.checkout.sessions.retrieve(session.id);
    expect(paid).toMatchObject({ status: "complete", payment_status: "paid" });
    expect(paid.customer_details?.email).toBe("bo@example.com");
  });

  test("3-D Secure cannot be completed before a card was chosen", async () => {
    const session = await planCheckout();
    const answer = await scene.submit(`${session.url}/authenticate`, { outcome: "complete" });
    expect(answer.status).toBe(200);
    expect((await scene.stripe.checkout.sessions.retrieve(session.id)).status).toBe("open");
    expect(scene.eventTypes("customer.subscription")).toEqual([]);
  });

  test("cancelling goes back and leaves the session open", async () => {
    const session = await planCheckout();
    const answer = await scene.submit(session.url!, { action: "cancel" });
    expect(answer.headers.get("location")).toBe(CANCEL_URL);
    expect((await scene.stripe.checkout.sessions.retrieve(session.id)).status).toBe("open");
  });
});

describe("sessions", () => {
  test("expire on request and by themselves, and then say so", async () => {
    const [first, second] = [await planCheckout(), await planCheckout()];
    await scene.stripe.checkout.sessions.expire(first.id);
    await scene.advanceDays(2);
    for (const { id } of [first, second]) {
      expect(await scene.stripe.checkout.sessions.retrieve(id)).toMatchObject({
        status: "expired",
        url: null,
      });
      expect(await scene.text(`/c/pay/${id}`)).toContain("This checkout has expired");
    }
    expect(scene.eventTypes("checkout.session.expired")).toHaveLength(2);
    expect((await stripeError(scene.stripe.checkout.sessions.expire(first.id))).statusCode).toBe(400);
  });

  test("a one-time payment carries its metadata to the payment intent and can have an invoice", async () => {
    const customer = await scene.customer();
    const session = await scene.checkout({
      mode: "payment",
      customer: customer.id,
      line_items: [
        { price_data: { currency: "usd", unit_amount: 300, product_data: { name: "Credits" } }, quantity: 3 },
      ],
      payment_intent_data: { metadata: { order: "ord_1" }, setup_future_usage: "off_session" },
      invoice_creation: { enabled: true },
    });
    await scene.submit(session.url!, { action: "pay", card: "success" });
    const paid = await scene.stripe.checkout.sessions.retrieve(session.id, {
      expand: ["payment_intent.latest_charge", "invoice"],
    });
    const intent = paid.payment_intent as Stripe.PaymentIntent;
    expect(intent).toMatchObject({ amount_received: 900, metadata: { order: "ord_1" } });
    expect((intent.latest_charge as Stripe.Charge).paid).toBe(true);
    expect(paid.invoice).toMatchObject({ status: "paid", amount_paid: 900, parent: null });
    expect((await scene.stripe.paymentMethods.list({ customer: customer.id })).data).toHaveLength(1);
  });

  test.each([
    ["later_succeeds", "paid", "checkout.session.async_payment_succeeded"],
    ["later_fails", "unpaid", "checkout.session.async_payment_failed"],
  ])("a payment that is confirmed later (%s) is unpaid until then", async (timing, status, event) => {
    const price = await scene.price(700, null);
    const session = await scene.checkout({ mode: "payment", line_items: [{ price: price.id, quantity: 1 }] });
    await scene.submit(session.url!, { action: "pay", card: "success", timing, email: "bo@example.com" });
    expect(scene.lastEvent("checkout.session.completed").data.object).toMatchObject({
      payment_status: "unpaid",
    });
    await scene.advanceDays(4);
    expect((await scene.stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe(status);
    expect(scene.eventTypes(event)).toHaveLength(1);
  });

  test("a trial without a card starts free", async () => {
    const session = await planCheckout({
      payment_method_collection: "if_required",
      subscription_data: {
        trial_period_days: 14,
        trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
      },
    });
    expect(await scene.text(session.url!)).toContain("Free for 14 days");
    await scene.submit(session.url!, { action: "pay" });
    const started = await scene.stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription"] });
    expect(started.payment_status).toBe("no_payment_required");
    expect(started.subscription).toMatchObject({ status: "trialing", default_payment_method: null });
    await scene.advanceDays(15);
    const { id } = started.subscription as Stripe.Subscription;
    expect((await scene.stripe.subscriptions.retrieve(id)).status).toBe("canceled");
  });

  test("refuse what Stripe refuses", async () => {
    const [monthly, once] = [await scene.price(100), await scene.price(100, null)];
    const lines = (id: string) => ({ line_items: [{ price: id, quantity: 1 }] });
    const refused: Array<Partial<Stripe.Checkout.SessionCreateParams>> = [
      { mode: "payment", ...lines(monthly.id) },
      { mode: "subscription", ...lines(once.id) },
      { ...lines("price_missing") },
      { ...lines(monthly.id), customer: "cus_missing" },
      { ...lines(monthly.id), expires_at: Math.floor(Date.now() / 1000) + 60 },
      { ...lines(monthly.id), success_url: undefined },
      { ...lines(monthly.id), payment_intent_data: { description: "x" } },
      { mode: "subscription" },
    ];
    for (const fields of refused) {
      expect((await stripeError(scene.checkout(fields))).statusCode, JSON.stringify(fields)).toBe(400);
    }
  });
});
