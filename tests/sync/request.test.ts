import { stage } from "@tests/support/stage";
import Stripe from "stripe";
import { afterEach, expect, test, vi } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import type { Ctx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";
import { createStripe } from "@/server/stripe/stripe-client";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { receiveStripeWebhook, type WebhookSettings } from "@/server/sync/request";

const { ctx, tenant, owner, simulator, stripe, pay, settled } = await stage();

const SECRET = "whsec_current";
const working: Promise<void>[] = [];
const settings: WebhookSettings = {
  secrets: [SECRET, "whsec_previous"],
  later: (work) => void working.push(work()),
};
const allDone = async () => {
  while (working.length > 0) await working.pop();
};
afterEach(allDone);
let count = 0;
const eventOf = (changes: Record<string, unknown> = {}) => ({
  id: `evt_request_${++count}`,
  object: "event",
  type: "charge.succeeded",
  api_version: Stripe.API_VERSION,
  livemode: false,
  data: { object: { id: "ch_1", object: "charge" } },
  ...changes,
});
const sign = (payload: string, secret = SECRET, ageSeconds = 0) =>
  stripe.webhooks.generateTestHeaderStringAsync({
    payload,
    secret,
    timestamp: Math.floor(Date.now() / 1_000) - ageSeconds,
  });
async function send(
  payload: string | Uint8Array,
  signature: string | null,
  changes: Partial<WebhookSettings> = {},
) {
  const headers = signature === null ? undefined : { "stripe-signature": signature };
  const request = new Request("http://app.test", { method: "POST", headers, body: payload as BodyInit });
  return (await receiveStripeWebhook(ctx, request, { ...settings, ...changes })).status;
}
const isStored = async (id: string) =>
  (await owner`select 1 from webhook_inbox where event_id = ${id}`).length === 1;

test("what Stripe signed is taken, with the current secret and with the one before it", async () => {
  for (const secret of settings.secrets) {
    const event = eventOf();
    const payload = JSON.stringify(event);
    expect(await send(payload, await sign(payload, secret))).toBe(200);
    expect(await isStored(event.id)).toBe(true);
  }
});

test("while secrets rotate, one good signature of two is enough", async () => {
  const payload = JSON.stringify(eventOf());
  const [good, other] = [await sign(payload), await sign(payload, "whsec_next")];
  const stamp = good.split(",")[0];
  expect(await send(payload, `${stamp},v1=${other.split("v1=")[1]},v1=${good.split("v1=")[1]}`)).toBe(200);
});

test("nothing else is taken or stored: no signature, another secret, a changed byte, a re-written body, a wrong time", async () => {
  const event = eventOf();
  const payload = JSON.stringify(event);
  const good = await sign(payload);
  const forged: [string, string | null][] = [
    [payload, null],
    [payload, ""],
    [payload, "t=1,v1=00"],
    [payload, good.replace(/v1=.{4}/, "v1=0000")],
    [payload, await sign(payload, "whsec_of_another_endpoint")],
    [payload, await sign(payload, "")],
    [payload.replace("ch_1", "ch_2"), good],
    [JSON.stringify(event, null, 2), good],
    [payload, await sign(payload, SECRET, 301)],
    [payload, await sign(payload, SECRET, -400)],
    ["", await sign("")],
    ["not json", await sign("not json")],
  ];
  for (const [body, signature] of forged) expect(await send(body, signature)).toBe(400);
  expect(await isStored(event.id)).toBe(false);
});

test("without a secret the endpoint is off, whatever is sent", async () => {
  const payload = JSON.stringify(eventOf());
  expect(await send(payload, await sign(payload, ""), { secrets: [] })).toBe(503);
});

test("an event of the other mode is kept for a person to look at, and never worked off as ours", async () => {
  const alert = vi.spyOn(console, "error").mockImplementation(() => {});
  const ada = await tenant("ada");
  const customer = await ensureCustomer(ada);
  const told = async (acting: Ctx, livemode: boolean) => {
    const object = { id: "sub_x", object: "subscription", customer };
    const event = eventOf({ type: "customer.subscription.updated", livemode, data: { object } });
    const payload = JSON.stringify(event);
    const headers = { "stripe-signature": await sign(payload) };
    const request = new Request("http://app.test", { method: "POST", headers, body: payload });
    expect((await receiveStripeWebhook(acting, request, settings)).status).toBe(200);
    await allDone();
    return (
      await owner`select status, attempts, last_error from webhook_inbox where event_id = ${event.id}`
    )[0];
  };
  const quarantined = { status: "quarantined", attempts: 1, last_error: expect.stringContaining("mode") };
  expect(await told(ctx, true)).toMatchObject(quarantined);
  const key = ["sk", "live", "request"].join("_");
  const live = { ...ctx, stripe: createStripe({ secretKey: key, apiUrl: simulator.url }) };
  expect(await told(live, false)).toMatchObject(quarantined);
  expect(await told(ctx, false)).toMatchObject({ status: "done" });
  expect(alert).toHaveBeenCalledTimes(2);
  alert.mockRestore();
});

test("an event of another API version is taken, and somebody is told", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const event = eventOf({ api_version: "2020-08-27" });
  const payload = JSON.stringify(event);
  expect(await send(payload, await sign(payload))).toBe(200);
  expect(await owner`select api_version from webhook_inbox where event_id = ${event.id}`).toEqual([
    { api_version: "2020-08-27" },
  ]);
  expect(warn.mock.calls[0]?.[0]).toContain("2020-08-27");
  warn.mockRestore();
});

test("a body above the cap is refused before its signature is looked at", async () => {
  const payload = JSON.stringify(eventOf({ padding: "x".repeat(1_000_001) }));
  expect(await send(payload, await sign(payload))).toBe(413);
});

test("the signature counts over bytes: text beyond ASCII passes untouched", async () => {
  const event = eventOf({
    data: { object: { id: "ch_1", object: "charge", description: "Żółć 💳 \u2028" } },
  });
  const payload = JSON.stringify(event);
  expect(await send(new TextEncoder().encode(payload), await sign(payload))).toBe(200);
  const [row] = await owner`select payload from webhook_inbox where event_id = ${event.id}`;
  expect(row?.payload).toMatchObject({ data: event.data });
});

test("when the database is away the answer is not 200, so Stripe sends the event again", async () => {
  const payload = JSON.stringify(eventOf());
  const away = {
    ...ctx,
    db: { ...ctx.db, orm: { transaction: () => Promise.reject(new Error("away")) } as never },
  };
  const headers = { "stripe-signature": await sign(payload) };
  const request = new Request("http://app.test", { method: "POST", headers, body: payload });
  await expect(receiveStripeWebhook(away, request, settings)).rejects.toThrow("away");
});

test("metadata that names another workspace moves nothing there: the customer alone decides", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const { url } = await startCheckout(ada, { plan: "pro", interval: "month" });
  await ensureCustomer(bo);
  await settled();
  simulator.control.setMode({ hold: true });
  await pay(url);
  const before = await owner`select * from customers where tenant_id = ${bo.tenant.id}`;
  const told = async (customer: string) => {
    const metadata = { tenantId: bo.tenant.id, tenant_id: bo.tenant.id };
    const object = {
      id: "cs_x",
      object: "checkout.session",
      customer,
      metadata,
      client_reference_id: bo.tenant.id,
    };
    const event = eventOf({ type: "checkout.session.completed", data: { object } });
    const payload = JSON.stringify(event);
    await send(payload, await sign(payload));
    await allDone();
    return (await owner`select status, last_error from webhook_inbox where event_id = ${event.id}`)[0];
  };
  expect(await told(await ensureCustomer(ada))).toMatchObject({ status: "done" });
  expect(await told("cus_nobodys")).toMatchObject({
    status: "ignored",
    last_error: expect.stringContaining("No workspace"),
  });
  expect(await subscriptionOf(ada)).toMatchObject({ plan: { id: "pro" } });
  expect(await subscriptionOf(bo)).toMatchObject({ plan: { id: "free" }, subscription: null });
  expect(await owner`select * from customers where tenant_id = ${bo.tenant.id}`).toEqual(before);
  simulator.control.setMode({ hold: false });
  await settled();
});

test("an event of a connected account is not ours", async () => {
  const customer = await ensureCustomer(await tenant("cleo"));
  const object = { id: "sub_x", object: "subscription", customer };
  const event = eventOf({ type: "customer.subscription.deleted", account: "acct_other", data: { object } });
  const payload = JSON.stringify(event);
  await send(payload, await sign(payload));
  await allDone();
  expect(await owner`select account, status from webhook_inbox where event_id = ${event.id}`).toEqual([
    { account: "acct_other", status: "quarantined" },
  ]);
});
