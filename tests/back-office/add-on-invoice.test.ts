import { stage } from "@tests/support/stage";
import { topUpStage } from "@tests/top-ups/top-ups";
import Stripe from "stripe";
import { expect, test } from "vitest";
import { billAddOn, voidAddOn } from "@/server/back-office/add-on-invoice";
import type { AddOnInvoiceInput } from "@/server/back-office/inputs";
import type { TenantCtx } from "@/server/context";
import { listInvoices } from "@/server/invoices/invoices";
import { findAllDrift, reconcile } from "@/server/reconcile/reconcile";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";

const set = await stage({ poolSize: 10 });
const { ctx, tenant, owner, stripe, simulator, buy, pay, settled } = set;
const { dyingStripe } = topUpStage(set);

const LINES = [
  { name: "Setup help", amountMinor: 5_000, quantity: 3 },
  { name: "Travel", amountMinor: 2_500 },
];
const bill = (of: TenantCtx, wish: Partial<AddOnInvoiceInput> = {}) =>
  billAddOn(of, { lines: LINES, dueInDays: 14, reason: "agreed by mail", key: "a", ...wish });
const latest = async (of: TenantCtx) => (await listInvoices(of)).invoices[0]!;
const told = async (of: TenantCtx) =>
  (
    await owner`select fact from outbox where tenant_id = ${of.tenant.id} and type like 'billing.invoice_%' order by id`
  ).map(({ fact }) => String(fact));
const atStripe = async (of: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(of) })).data;
const card = async (of: TenantCtx, token: string) => {
  const customer = await ensureCustomer(of);
  const { id } = await stripe.paymentMethods.attach(token, { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
};

test("billed once per key, the workspace is told, sees when it is due, and pays on its page", async () => {
  const ada = await tenant("ada");
  const made = await Promise.all([0, 1].map(() => bill(ada)));
  const { invoiceId } = made[0]!;
  expect(made[1]).toEqual(made[0]);
  expect(made[0]).toMatchObject({ status: "open", totalMinor: 17_500 });
  await settled();
  const shown = await latest(ada);
  expect(shown).toMatchObject({ id: invoiceId, status: "open", due: { amountMinor: 17_500n } });
  expect(shown.dueAt?.toISOString()).toBe("2026-03-16T09:00:00.000Z");
  expect(await told(ada)).toEqual([`billing.invoice_due:${invoiceId}`]);
  await pay(shown.hostedUrl!);
  await settled();
  expect((await bill(ada)).status).toBe("paid");
  expect(await told(ada)).toEqual([`billing.invoice_due:${invoiceId}`, `billing.invoice_paid:${invoiceId}`]);
  expect(await atStripe(ada)).toHaveLength(1);
  expect((await subscriptionOf(ada)).plan.id).toBe("free");
  for (const other of [{ dueInDays: 15 }, { lines: [LINES[1]!] }])
    await expect(bill(ada, other)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  for (const wrong of [{ lines: [] }, { dueInDays: 0 }, { lines: [{ name: "x", amountMinor: 0.5 }] }])
    await expect(bill(ada, wrong)).rejects.toMatchObject({ code: "INVALID_INPUT" });
});

test("the card on file is charged at once; refused or missing, the invoice is open and the workspace is told", async () => {
  const [bo, cleo, dan] = [await tenant("bo"), await tenant("cleo"), await tenant("dan")];
  await card(bo, "pm_card_visa");
  await card(cleo, "pm_card_chargeCustomerFail");
  const now = { dueInDays: null };
  expect(await bill(bo, now)).toMatchObject({ status: "paid", dueAt: null });
  for (const one of [cleo, dan]) expect(await bill(one, now)).toMatchObject({ status: "open", dueAt: null });
  await settled();
  expect(await told(bo)).toEqual([expect.stringContaining("invoice_paid")]);
  for (const one of [cleo, dan]) expect(await told(one)).toEqual([expect.stringContaining("invoice_due")]);
  // Asking again charges nobody a second time.
  await bill(cleo, now);
  const charges = await stripe.charges.list({ customer: await ensureCustomer(cleo) });
  expect(charges.data).toHaveLength(1);
});

test("an unpaid one is taken back, once; a paid one, the plan's and another workspace's are not", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  const { invoiceId } = await bill(ada);
  const drop = (of: TenantCtx, id: string) => voidAddOn(of, { invoiceId: id, reason: "a mistake", key: "v" });
  await expect(drop(bo, invoiceId)).rejects.toMatchObject({ code: "NOT_FOUND" });
  for (let time = 0; time < 2; time += 1) expect(await drop(ada, invoiceId)).toEqual({ status: "void" });
  const { invoiceId: second } = await bill(ada, { key: "b" });
  await pay((await latest(ada)).hostedUrl!);
  await settled();
  await expect(drop(ada, second)).rejects.toMatchObject({ code: "CONFLICT" });
  await buy(ada, { plan: "pro", interval: "month" });
  await expect(drop(ada, (await latest(ada)).id)).rejects.toMatchObject({ code: "NOT_FOUND" });
  const rows = await owner`select action from audit_events
    where tenant_id = ${ada.tenant.id} and action like 'invoice.%' order by id`;
  expect(rows.map(({ action }) => action)).toEqual([
    "invoice.requested",
    "invoice.void_requested",
    "invoice.requested",
  ]);
});

// The second request makes the draft, the fourth and fifth its lines, the sixth makes it final.
test.each([
  { at: 2, moment: "after" },
  { at: 5, moment: "after" },
  { at: 6, moment: "before" },
  { at: 6, moment: "after" },
] as const)(
  "a process that dies $moment its request $at leaves one invoice, whole, to the next walk",
  async ({ at, moment }) => {
    const ada = await tenant("ada");
    await ensureCustomer(ada);
    const { stripe: mortal, died } = dyingStripe(at, moment);
    void bill({ ...ada, stripe: mortal });
    await died;
    await owner`update customers set lease_ends_at = clock_timestamp() where tenant_id = ${ada.tenant.id}`;
    await settled();
    expect(await findAllDrift(ctx)).toMatchObject([{ kind: "invoice", ours: "final", theirs: "not final" }]);
    await reconcile(ctx);
    await settled();
    expect(await atStripe(ada)).toMatchObject([{ status: "open", total: 17_500, lines: { data: [{}, {}] } }]);
    expect(await bill(ada)).toMatchObject({ status: "open", totalMinor: 17_500 });
    expect(await told(ada)).toHaveLength(1);
    expect(await findAllDrift(ctx)).toEqual([]);
  },
);

test("a void that died before Stripe was asked is carried out by the next walk", async () => {
  const ada = await tenant("ada");
  const { invoiceId } = await bill(ada);
  await settled();
  const { stripe: mortal, died } = dyingStripe(2, "before");
  void voidAddOn({ ...ada, stripe: mortal }, { invoiceId, reason: "a mistake", key: "v" });
  await died;
  await owner`update customers set lease_ends_at = clock_timestamp() where tenant_id = ${ada.tenant.id}`;
  await reconcile(ctx);
  await settled();
  expect((await latest(ada)).status).toBe("void");
  expect(await findAllDrift(ctx)).toEqual([]);
});

test("what Stripe refuses for good stays refused, and leaves no line behind for the next invoice", async () => {
  const bo = await tenant("bo");
  const { hostname: host, port } = new URL(simulator.url);
  const refusal = { error: { type: "invalid_request_error", code: "amount_too_large", message: "No." } };
  const httpClient = Stripe.createFetchHttpClient((...args: Parameters<typeof fetch>) => {
    const isSecondLine = String(args[1]?.body).includes("Travel");
    return isSecondLine ? Promise.resolve(Response.json(refusal, { status: 400 })) : fetch(...args);
  });
  const picky = new Stripe("sk_test_sim_billing", { host, port, protocol: "http", httpClient });
  for (const of of [{ ...bo, stripe: picky }, bo])
    await expect(bill(of)).rejects.toMatchObject({ code: "CONFLICT", hint: "amount_too_large" });
  expect(await atStripe(bo)).toEqual([]);
  expect((await stripe.invoiceItems.list({ customer: await ensureCustomer(bo) })).data).toEqual([]);
  await settled();
  expect(await findAllDrift(ctx)).toEqual([]);
});
