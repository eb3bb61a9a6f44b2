import type Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Scene } from "./support";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-03-01T00:00:00Z") });
});
afterEach(() => scene.end());

type Update = Stripe.BillingPortal.ConfigurationCreateParams.Features.SubscriptionUpdate;

async function setup(
  update: Partial<Update> = {},
  session: Partial<Stripe.BillingPortal.SessionCreateParams> = {},
) {
  const [small, big] = [await scene.price(2000), await scene.price(5000, "month", "Team")];
  const customer = await scene.payer();
  const subscription = await scene.stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: small.id }],
  });
  const products = [small, big].map((price) => ({ product: price.product as string, prices: [price.id] }));
  const configuration = await scene.stripe.billingPortal.configurations.create({
    features: {
      subscription_cancel: { enabled: true },
      payment_method_update: { enabled: true },
      invoice_history: { enabled: true },
      subscription_update: {
        enabled: true,
        default_allowed_updates: ["price"],
        products,
        proration_behavior: "always_invoice",
        ...update,
      },
    },
  });
  const portal = await scene.stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: configuration.id,
    return_url: "http://127.0.0.1:1/billing",
    ...session,
  });
  return { small, big, customer, subscription, portal };
}

const current = (id: string) => scene.stripe.subscriptions.retrieve(id);

describe("the portal page", () => {
  test("shows plan, renewal, card, invoices and the way back", async () => {
    const { portal } = await setup();
    const page = await scene.text(portal.url);
    for (const text of ["Simulated Stripe Portal", "Pro", "$20.00 per month", "Renews on 1 April 2027"]) {
      expect(page).toContain(text);
    }
    for (const text of [
      "Cancel subscription",
      "Switch plan",
      "visa •••• 4242",
      "paid",
      "Return to 127.0.0.1:1",
    ]) {
      expect(page).toContain(text);
    }
  });

  test("cancels at the period's end and takes it back", async () => {
    const { portal, subscription } = await setup();
    const fields = { subscription: subscription.id };
    expect(await scene.text(`${portal.url}/cancel?subscription=${subscription.id}`)).toContain(
      "1 April 2027",
    );
    await scene.submit(`${portal.url}/cancel`, fields);
    expect(await current(subscription.id)).toMatchObject({ cancel_at_period_end: true, status: "active" });
    const page = await scene.text(portal.url);
    expect(page).toContain("Ends on 1 April 2027");
    expect(page).toContain("Don&#39;t cancel");
    await scene.submit(`${portal.url}/resume`, fields);
    expect(await current(subscription.id)).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
  });

  test("switches the plan with the proration it announced", async () => {
    const { portal, subscription, big } = await setup();
    const fields = { subscription: subscription.id, price: big.id };
    const confirmation = await scene.text(`${portal.url}/switch?${new URLSearchParams(fields)}`);
    expect(confirmation).toContain("Due today: $30.00");
    await scene.submit(`${portal.url}/switch`, fields);
    const [invoice] = (await scene.stripe.invoices.list({ subscription: subscription.id, limit: 1 })).data;
    expect(invoice).toMatchObject({ amount_paid: 3000, billing_reason: "subscription_update" });
    expect((await current(subscription.id)).items.data[0]!.price.id).toBe(big.id);
  });

  test("a switch whose payment fails changes nothing and says so", async () => {
    const { portal, subscription, big } = await setup();
    scene.sim.control.declineNext(1);
    const answer = await scene.submit(`${portal.url}/switch`, {
      subscription: subscription.id,
      price: big.id,
    });
    expect(await answer.text()).toContain("Your card was declined.");
    expect((await current(subscription.id)).items.data[0]!.price.unit_amount).toBe(2000);
  });

  test("offers only the prices of its configuration", async () => {
    const { portal, subscription } = await setup();
    const other = await scene.price(1, "month", "Hidden");
    await scene.submit(`${portal.url}/switch`, { subscription: subscription.id, price: other.id });
    expect((await current(subscription.id)).items.data[0]!.price.unit_amount).toBe(2000);
  });

  test("a downgrade can wait for the period's end", async () => {
    const { portal, subscription, small, big } = await setup({
      schedule_at_period_end: { conditions: [{ type: "decreasing_item_amount" }] },
    });
    await scene.submit(`${portal.url}/switch`, { subscription: subscription.id, price: big.id });
    await scene.submit(`${portal.url}/switch`, { subscription: subscription.id, price: small.id });
    expect((await current(subscription.id)).items.data[0]!.price.id).toBe(big.id);
    expect(await scene.text(portal.url)).toContain("Changes to Pro on 1 April 2027");
    await scene.advanceDays(32);
    expect((await current(subscription.id)).items.data[0]!.price.id).toBe(small.id);
  });

  test("updates the card after 3-D Secure and refuses a declined one", async () => {
    const { portal, customer } = await setup();
    const declined = await scene.submit(`${portal.url}/card`, { card: "declined" });
    expect(await declined.text()).toContain("Your card was declined.");
    const step = await scene.submit(`${portal.url}/card`, { card: "three_d_secure" });
    await scene.submit(step.headers.get("location")!, { outcome: "complete" });
    const updated = await scene.stripe.customers.retrieve(customer.id, {
      expand: ["invoice_settings.default_payment_method"],
    });
    const method = (updated as Stripe.Customer).invoice_settings
      .default_payment_method as Stripe.PaymentMethod;
    expect(method.card?.last4).toBe("3155");
    await scene.advanceDays(32);
    expect(scene.eventTypes("invoice.payment_failed")).toEqual([]);
  });
});

describe("sessions", () => {
  test("without a configuration get a default that does not switch plans", async () => {
    const customer = await scene.payer();
    const { url, configuration } = await scene.stripe.billingPortal.sessions.create({
      customer: customer.id,
    });
    expect(
      (await scene.stripe.billingPortal.configurations.retrieve(configuration as string)).is_default,
    ).toBe(true);
    expect(await scene.text(url)).toContain("No subscription");
  });

  test("opened for one task start there and return when it is done", async () => {
    const { customer, subscription } = await setup();
    const { url } = await scene.stripe.billingPortal.sessions.create({
      customer: customer.id,
      flow_data: {
        type: "subscription_cancel",
        subscription_cancel: { subscription: subscription.id },
        after_completion: { type: "redirect", redirect: { return_url: "http://127.0.0.1:1/bye" } },
      },
    });
    const start = await fetch(url, { redirect: "manual" });
    expect(start.headers.get("location")).toContain("/cancel?subscription=");
    const done = await scene.submit(`${url}/cancel`, { subscription: subscription.id });
    expect(done.headers.get("location")).toBe("http://127.0.0.1:1/bye");
    expect((await fetch(url, { redirect: "manual" })).status).toBe(200);
  });

  test("of one customer cannot touch another's subscription", async () => {
    const { subscription } = await setup();
    const stranger = await scene.payer();
    const { url } = await scene.stripe.billingPortal.sessions.create({ customer: stranger.id });
    await scene.submit(`${url}/cancel`, { subscription: subscription.id });
    expect((await current(subscription.id)).cancel_at_period_end).toBe(false);
  });
});
