import type Stripe from "stripe";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROUTES } from "@/simulator/stripe/resources/all";
import { walkBilling } from "./billing-walk";
import { Receiver, Scene } from "./support";

// Walks every implemented endpoint with the real SDK. Each answer and event is checked against the schemas
// of the installed package; `end` fails on any violation.
let scene: Scene;
let receiver: Receiver;
let s: Stripe;
const called = new Set<string>();

beforeAll(async () => {
  receiver = await Receiver.start();
  scene = await Scene.start({ webhooks: [receiver], now: () => new Date("2027-03-01T12:00:00Z") });
  s = scene.stripe;
  s.on("response", ({ method, path, status }: { method: string; path: string; status: number }) => {
    const [pathname = ""] = path.split("?");
    const route = ROUTES.find((each) => each.method === method && each.pattern.test(pathname));
    if (route && status === 200) called.add(`${method} ${route.path}`);
  });
});
afterAll(async () => {
  await scene.end();
  await receiver.close();
});

test("catalogue", async () => {
  const product = await s.products.create({
    name: "Pro",
    description: "All of it",
    metadata: { plan: "pro" },
    default_price_data: { currency: "usd", unit_amount: 900, recurring: { interval: "month" } },
    marketing_features: [{ name: "Everything" }],
  });
  await s.products.update(product.id, { description: "", active: true, metadata: { plan: "", tier: 2 } });
  expect(await s.products.retrieve(product.id, { expand: ["default_price"] })).toMatchObject({
    metadata: { tier: "2" },
  });
  await s.products.list({ active: true, ids: [product.id] });
  const empty = await s.products.create({ id: "prod_named", name: "Empty" });
  expect(await s.products.del(empty.id)).toMatchObject({ deleted: true });
  const price = await s.prices.create({
    product: product.id,
    currency: "usd",
    unit_amount: 1000,
    recurring: { interval: "year" },
    lookup_key: "pro_yearly",
  });
  expect(String(price.unit_amount_decimal)).toBe("1000");
  const successor = {
    product: product.id,
    currency: "usd",
    unit_amount: 1100,
    recurring: { interval: "year" } as const,
  };
  await expect(s.prices.create({ ...successor, lookup_key: "pro_yearly" })).rejects.toMatchObject({
    statusCode: 400,
  });
  const moved = await s.prices.create({ ...successor, lookup_key: "pro_yearly", transfer_lookup_key: true });
  await s.prices.update(price.id, { active: false, nickname: "old", metadata: { a: "1" } });
  await s.prices.retrieve(price.id, { expand: ["product"] });
  const found = await s.prices.list({ lookup_keys: ["pro_yearly"], active: true, expand: ["data.product"] });
  expect(found.data.map(({ id, product: shown }) => [id, (shown as Stripe.Product).name])).toEqual([
    [moved.id, "Pro"],
  ]);
});

test("customers, cards and cursors", async () => {
  const customer = await s.customers.create({
    email: "a@example.com",
    address: { country: "DE" },
    phone: "1",
  });
  await s.customers.update(customer.id, { phone: "", preferred_locales: ["de"] });
  const made = await s.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  await s.paymentMethods.attach(made.id, { customer: customer.id });
  await s.paymentMethods.update(made.id, { metadata: { a: "b" } });
  await s.paymentMethods.retrieve(made.id, { expand: ["customer"] });
  expect((await s.paymentMethods.list({ customer: customer.id, type: "card" })).data).toHaveLength(1);
  await s.customers.listPaymentMethods(customer.id, { type: "card" });
  const taxId = await s.customers.createTaxId(customer.id, { type: "eu_vat", value: "DE123456789" });
  await s.customers.retrieveTaxId(customer.id, taxId.id);
  await s.customers.listTaxIds(customer.id, { limit: 3 });
  await s.customers.retrieve(customer.id, { expand: ["tax_ids"] });
  await s.customers.deleteTaxId(customer.id, taxId.id);
  await s.customers.update(customer.id, { invoice_settings: { default_payment_method: made.id } });
  await s.paymentMethods.detach(made.id);
  expect(
    (await s.customers.retrieve(customer.id, { expand: ["subscriptions"] })) as Stripe.Customer,
  ).toMatchObject({
    invoice_settings: { default_payment_method: null },
    subscriptions: { data: [] },
  });
  for (let n = 0; n < 4; n++) await s.customers.create({ email: `n${n}@example.com` });
  const emails = (page: Stripe.ApiList<Stripe.Customer>) => page.data.map(({ email }) => email);
  const first = await s.customers.list({ limit: 2 });
  const second = await s.customers.list({ limit: 2, starting_after: first.data[1]!.id });
  const back = await s.customers.list({ limit: 2, ending_before: second.data[0]!.id });
  expect([emails(first), emails(second), emails(back)]).toEqual([
    ["n3@example.com", "n2@example.com"],
    ["n1@example.com", "n0@example.com"],
    ["n3@example.com", "n2@example.com"],
  ]);
  expect(await s.customers.list({ limit: 2 }).autoPagingToArray({ limit: 100 })).toHaveLength(5);
  expect((await s.customers.list({ email: "n1@example.com", created: { gte: 1 } })).data).toHaveLength(1);
  expect((await s.customers.list({ created: { lt: 1 } })).data).toHaveLength(0);
  await s.customers.del(customer.id);
});

test("checkout, subscriptions and invoices", async () => {
  const [price, bigger] = [await scene.price(2000), await scene.price(5000)];
  const session = await scene.checkout({
    line_items: [{ price: price.id, quantity: 2 }],
    metadata: { a: "1" },
  });
  await s.checkout.sessions.update(session.id, { metadata: { b: "2" } });
  await scene.submit(session.url!, { action: "pay", card: "success", email: "c@example.com" });
  expect((await s.checkout.sessions.listLineItems(session.id)).data[0]?.quantity).toBe(2);
  const paid = await s.checkout.sessions.retrieve(session.id, {
    expand: ["subscription.customer", "invoice"],
  });
  const subscription = paid.subscription as Stripe.Subscription;
  await s.checkout.sessions.list({
    subscription: subscription.id,
    status: "complete",
    expand: ["data.line_items"],
  });
  const other = await scene.checkout({ line_items: [{ price: price.id, quantity: 1 }] });
  await s.checkout.sessions.expire(other.id);
  await s.subscriptions.retrieve(subscription.id, {
    expand: ["items.data.price.product", "default_payment_method"],
  });
  await s.subscriptions.list({ price: price.id, expand: ["data.latest_invoice.payments"] });
  const item = subscription.items.data[0]!.id;
  await s.invoices.createPreview({ subscription: subscription.id });
  await s.subscriptions.update(subscription.id, {
    items: [{ id: item, price: bigger.id, quantity: 1 }, { price: price.id }],
    metadata: { c: "3" },
  });
  const [pending] = (await s.invoiceItems.list({ pending: true })).data;
  await s.invoiceItems.retrieve(pending!.id);
  scene.sim.control.declineNext(1);
  await scene.advanceDays(31.5);
  const [open] = (await s.invoices.list({ subscription: subscription.id, status: "open" })).data;
  await s.invoices.update(open!.id, { metadata: { d: "4" }, description: "Late" });
  expect((await s.invoices.pay(open!.id)).status).toBe("paid");
  await s.invoices.listLineItems(open!.id, { limit: 3 });
  const shown = await s.invoices.retrieve(open!.id, {
    expand: ["payments.data.payment.payment_intent", "customer"],
  });
  const [payment] = (await s.invoicePayments.list({ invoice: shown.id })).data;
  await s.invoicePayments.retrieve(payment!.id, { expand: ["invoice"] });
  await s.subscriptions.cancel(subscription.id);
});

test("voided and out-of-band invoices", async () => {
  const [price, customer] = [await scene.price(700), await scene.payer()];
  const create = () =>
    s.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      payment_behavior: "default_incomplete",
    });
  const [first, second] = [await create(), await create()];
  await s.invoices.voidInvoice(first.latest_invoice as string);
  await s.invoices.pay(second.latest_invoice as string, { paid_out_of_band: true });
  expect((await s.subscriptions.retrieve(second.id)).status).toBe("active");
});

test("payments and refunds", async () => {
  const customer = await scene.payer();
  const method = customer.invoice_settings.default_payment_method as string;
  const intent = await s.paymentIntents.create({ amount: 1000, currency: "usd", customer: customer.id });
  await s.paymentIntents.update(intent.id, { metadata: { order: "ord_1" }, description: "Top-up" });
  const paid = await s.paymentIntents.confirm(intent.id, { payment_method: method, off_session: true });
  await s.paymentIntents.retrieve(paid.id, { expand: ["latest_charge", "payment_method"] });
  await s.paymentIntents.list({ customer: customer.id });
  const unused = await s.paymentIntents.create({ amount: 5, currency: "usd" });
  await s.paymentIntents.cancel(unused.id, { cancellation_reason: "abandoned" });
  const [charge] = (await s.charges.list({ payment_intent: paid.id })).data;
  await s.charges.update(charge!.id, { metadata: { a: "b" } });
  const part = await s.refunds.create({
    payment_intent: paid.id,
    amount: 300,
    reason: "requested_by_customer",
  });
  await s.refunds.update(part.id, { metadata: { why: "late" } });
  await s.refunds.retrieve(part.id, { expand: ["charge"] });
  await expect(s.refunds.create({ charge: charge!.id, amount: 701 })).rejects.toMatchObject({
    statusCode: 400,
  });
  expect((await s.refunds.create({ charge: charge!.id })).amount).toBe(700);
  await expect(s.refunds.create({ charge: charge!.id })).rejects.toMatchObject({
    code: "charge_already_refunded",
  });
  expect((await s.refunds.list({ payment_intent: paid.id })).data).toHaveLength(2);
  const refunded = await s.charges.retrieve(charge!.id, { expand: ["refunds"] });
  expect(refunded).toMatchObject({ refunded: true, amount_refunded: 1000, refunds: { data: [{}, {}] } });
  expect(scene.lastEvent("charge.refunded").data.previous_attributes).toEqual({
    amount_refunded: 300,
    refunded: false,
  });
});

test("refunds that wait, and disputes", async () => {
  const customer = await scene.payer();
  const payment_method = customer.invoice_settings.default_payment_method as string;
  const terms = { amount: 1000, currency: "usd", confirm: true, off_session: true };
  const paid = await s.paymentIntents.create({ ...terms, customer: customer.id, payment_method });
  scene.sim.control.nextRefunds("pending");
  const waiting = await s.refunds.create({ payment_intent: paid.id, amount: 100 });
  expect((await s.refunds.cancel(waiting.id)).status).toBe("canceled");
  const { id } = scene.sim.control.openDispute({ payment: paid.id, reason: "duplicate" });
  await s.disputes.retrieve(id, { expand: ["charge", "payment_intent"] });
  await s.disputes.update(id, { metadata: { case: "1" } });
  scene.sim.control.setDispute(id, "won");
  scene.sim.control.setDispute(id, "under_review");
  expect((await s.disputes.close(id)).status).toBe("lost");
  expect((await s.disputes.list({ charge: paid.latest_charge as string })).data).toHaveLength(1);
});

test("portal, events, webhook endpoints and clocks", async () => {
  const customer = await scene.payer();
  const configuration = await s.billingPortal.configurations.create({
    features: { invoice_history: { enabled: true } },
    business_profile: { headline: "Hello" },
  });
  await s.billingPortal.configurations.update(configuration.id, { metadata: { a: "b" }, name: "Main" });
  await s.billingPortal.configurations.retrieve(configuration.id);
  await s.billingPortal.configurations.list({ active: true });
  const portal = { customer: customer.id, configuration: configuration.id };
  await scene.text((await s.billingPortal.sessions.create(portal)).url);
  const [event] = (await s.events.list({ types: ["customer.created", "invoice.paid"], limit: 1 })).data;
  expect((await s.events.retrieve(event!.id)).type).toBe(event!.type);
  const endpoint = await s.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ["*"],
    metadata: { a: "b" },
  });
  await s.webhookEndpoints.retrieve(endpoint.id);
  await s.webhookEndpoints.update(endpoint.id, { description: "Main", disabled: true });
  await s.webhookEndpoints.list();
  await s.webhookEndpoints.del(endpoint.id);
  const now = Math.floor(scene.sim.control.now().getTime() / 1000);
  const clock = await s.testHelpers.testClocks.create({ frozen_time: now, name: "Year" });
  await s.customers.create({ name: "Clocked", test_clock: clock.id });
  await s.testHelpers.testClocks.advance(clock.id, { frozen_time: now + 86_400 });
  expect((await s.testHelpers.testClocks.retrieve(clock.id)).status).toBe("ready");
  await s.testHelpers.testClocks.list();
  await s.testHelpers.testClocks.del(clock.id);
});

test("schedules, discounts, stored cards, pauses, invoices and credit notes", () => walkBilling(scene));

test("every implemented endpoint was walked and every event was delivered with a valid signature", async () => {
  const all = ROUTES.map((route) => `${route.method} ${route.path}`);
  expect(all.filter((route) => !called.has(route))).toEqual([]);
  await scene.sim.control.flush();
  expect(receiver.badSignatures).toEqual([]);
  expect(new Set(receiver.events.map((event) => event.id)).size).toBe(scene.sim.events.length);
});
