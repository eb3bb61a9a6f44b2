import { stage } from "@tests/support/stage";
import Stripe from "stripe";
import { expect, test, vi } from "vitest";
import { ensureCustomer } from "@/server/stripe/customer";
import { receivedOf, stripeEvents, stripeHandlers } from "@/server/sync/handlers";
import { registerWebhookEndpoint } from "@/server/sync/webhook-endpoint";
import { tell } from "./story";

const set = await stage();
const { ctx, tenant, owner, simulator, stripe } = set;
const ada = await tenant("ada");
const customer = await ensureCustomer(ada);
simulator.control.setMode({ hold: true });
const TYPES = Object.keys(stripeEvents);

/** The least that an object of such an event holds: Stripe's own names for what it is about. */
function objectOf(type: string): Record<string, unknown> {
  const kind = type.split(".").slice(0, -1).join("_");
  if (type.startsWith("customer.") && !type.includes("subscription") && !type.includes("tax_id"))
    return { id: customer, object: "customer" };
  if (type === "invoice.upcoming") return { object: "invoice", customer };
  if (/^(refund|charge\.dispute|radar)/.test(type))
    return { id: "x_1", object: kind, charge: "ch_none", payment_intent: "pi_none" };
  if (/^(product|price|coupon|promotion_code)/.test(type)) return { id: "x_1", object: kind };
  return { id: "x_1", object: kind, customer };
}

let count = 0;
const eventOf = (type: string, object = objectOf(type), changes: object = {}) =>
  ({
    id: `evt_walk_${++count}`,
    object: "event",
    type,
    api_version: Stripe.API_VERSION,
    created: 1_772_000_000,
    livemode: false,
    pending_webhooks: 1,
    request: null,
    data: { object },
    ...changes,
  }) as unknown as Stripe.Event;
const outcomeOf = async ({ id }: Stripe.Event) =>
  (await owner`select status, last_error, keep from webhook_inbox where event_id = ${id}`)[0];

test.each(TYPES)("%s is taken, worked off and answered", async (type) => {
  const event = eventOf(type);
  await tell(set, event);
  expect(await outcomeOf(event)).toMatchObject({ status: expect.stringMatching(/^(done|ignored)$/) });
});

test.each(TYPES)("%s about nobody we know changes nothing and is put aside for nobody", async (type) => {
  const { customer: _, ...object } = objectOf(type);
  const stranger = {
    ...object,
    ...(object.object === "customer" ? { id: "cus_nobodys" } : { customer: "cus_nobodys" }),
  };
  const event = eventOf(type, stranger);
  await tell(set, event);
  expect(await outcomeOf(event)).toMatchObject({ status: expect.stringMatching(/^(done|ignored)$/) });
});

test.each(TYPES)(
  "%s with an object that makes no sense fails by itself, and is tried again",
  async (type) => {
    const event = eventOf(type, { id: 7, object: 7 } as never);
    await tell(set, event);
    expect((await outcomeOf(event))?.status).toMatch(/^(pending|done|ignored)$/);
    await owner`delete from webhook_inbox where event_id = ${event.id}`;
  },
);

test.each([
  "thing.happened",
  "constructor",
  "v1.billing.meter.error_report_triggered",
  "invoice.paid.really",
])("%s, which nobody handles, is stored, ignored and answered with 200", async (type) => {
  const event = eventOf(type, { id: "x_1", object: "thing" });
  await tell(set, event);
  expect(await outcomeOf(event)).toMatchObject({ status: "ignored", keep: false });
});

test("a payment method that was detached is found by the customer it had", async () => {
  const object = { id: "pm_1", object: "payment_method", customer: null };
  const event = eventOf("payment_method.detached", object, {
    data: { object, previous_attributes: { customer } },
  });
  await tell(set, event);
  expect(await outcomeOf(event)).toMatchObject({ status: "done" });
});

test("what money rests on is kept for good: paid pages and invoices, payments, refunds and disputes", () => {
  const kept = TYPES.filter((type) => receivedOf(eventOf(type)).keep);
  for (const type of [
    "checkout.session.completed",
    "invoice.paid",
    "payment_intent.succeeded",
    "refund.created",
    "charge.dispute.closed",
  ])
    expect(kept).toContain(type);
  for (const type of ["customer.updated", "invoice.upcoming", "price.updated"])
    expect(kept).not.toContain(type);
});

test("the endpoint is registered with exactly the events that have a handler, in our API version, and once", async () => {
  const app = { ...ctx, appUrl: "http://127.0.0.1:9" };
  const made = await registerWebhookEndpoint(app);
  expect(made).toMatchObject({ outcome: "made", secret: expect.stringMatching(/^whsec_/), outdated: [] });
  const registered = await stripe.webhookEndpoints.retrieve(made.id);
  expect(registered.enabled_events.toSorted()).toEqual(Object.keys(stripeHandlers).sort());
  expect(registered.api_version).toBe(Stripe.API_VERSION);
  expect(await registerWebhookEndpoint(app)).toEqual({ ...made, outcome: "kept", secret: null });
  await stripe.webhookEndpoints.update(made.id, { enabled_events: ["invoice.paid"], disabled: true });
  expect(await registerWebhookEndpoint(app)).toMatchObject({ id: made.id, outcome: "updated", secret: null });
  expect(await registerWebhookEndpoint(app)).toMatchObject({ outcome: "kept" });
  expect(await stripe.webhookEndpoints.retrieve(made.id)).toMatchObject({ status: "enabled" });
  await stripe.webhookEndpoints.del(made.id);
});

test("an endpoint in another API version is not touched: a new one takes its place, and both are told apart", async () => {
  const app = { ...ctx, appUrl: "http://127.0.0.1:9" };
  const old = await stripe.webhookEndpoints.create({
    url: `${app.appUrl}/api/webhooks/stripe`,
    enabled_events: ["*"],
  });
  const made = await registerWebhookEndpoint(app);
  expect(made).toMatchObject({ outcome: "replaced", outdated: [old.id] });
  expect(made.id).not.toBe(old.id);
  expect(await registerWebhookEndpoint(app)).toMatchObject({
    id: made.id,
    outcome: "kept",
    outdated: [old.id],
  });
  for (const id of [old.id, made.id]) await stripe.webhookEndpoints.del(id);
});

test("a price that was archived at Stripe is told as drift until it is back", async () => {
  const [row] = await owner`select price_id from stripe_prices where lookup_key = 'pro@1:month'`;
  const drift = () =>
    owner`select ours, theirs, healed_at from drifts where kind = 'price' and subject = 'pro@1:month'`;
  await stripe.prices.update(row?.price_id, { active: false });
  await tell(set, eventOf("price.updated"));
  expect(await drift()).toMatchObject([{ healed_at: null, theirs: "another amount" }]);
  await stripe.prices.update(row?.price_id, { active: true });
  await tell(set, eventOf("price.updated"));
  expect(await drift()).toMatchObject([{ healed_at: expect.any(Date) }]);
  vi.restoreAllMocks();
});
