import { stage } from "@tests/support/stage";
import { topUpStage } from "@tests/top-ups/top-ups";
import { expect, test } from "vitest";
import { creditInvoice, resumeCredits } from "@/server/back-office/credit-invoice";
import type { CreditInvoiceInput } from "@/server/back-office/inputs";
import type { TenantCtx } from "@/server/context";
import { balance } from "@/server/credits/balance";
import { invoiceOf, listInvoices } from "@/server/invoices/invoices";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const set = await stage({ poolSize: 10 });
const { tenant, owner, stripe, simulator, buy, settled } = set;
const { dyingStripe } = topUpStage(set);

const PRO = { plan: "pro", interval: "month" } as const;
const latest = async (of: TenantCtx) => (await listInvoices(of)).invoices[0]!;
async function subscriber() {
  const of = await tenant("ada");
  await buy(of, PRO);
  return { of, invoiceId: (await latest(of)).id };
}
const credit = (of: TenantCtx, wish: Partial<CreditInvoiceInput> & { invoiceId: string }) =>
  creditInvoice(of, { reason: "asked by mail", key: "a", ...wish });
const notesAtStripe = async (of: TenantCtx) =>
  (await stripe.creditNotes.list({ customer: await ensureCustomer(of) })).data.map(({ amount }) => amount);
/** Unpaid: nobody has a card. */
async function unpaid(of: TenantCtx, amount: number) {
  const customer = await ensureCustomer(of);
  const { id } = await stripe.invoices.create({ customer, currency: "usd" });
  await stripe.invoiceItems.create({ customer, invoice: id, amount, currency: "usd" });
  return (await stripe.invoices.finalizeInvoice(id)).id;
}

test("a part goes back once per key, another key gives more, and the plan stays; the tenant sees notes and refunds", async () => {
  const { of, invoiceId } = await subscriber();
  const memo = "For the outage in May";
  const first = await credit(of, { invoiceId, amountMinor: 400, memo });
  expect(first).toMatchObject({ amountMinor: 400, give: "refund", replayed: false });
  const again = await Promise.all([0, 1, 2].map(() => credit(of, { invoiceId, amountMinor: 400, memo })));
  for (const one of again) expect(one).toEqual({ ...first, replayed: true });
  await credit(of, { invoiceId, amountMinor: 100, key: "b" });
  await settled();
  expect(await notesAtStripe(of)).toEqual([100, 400]);
  expect((await subscriptionOf(of)).plan.id).toBe("pro");
  const detail = await invoiceOf(of, { invoiceId });
  expect(detail.creditNotes).toMatchObject([
    { amount: { amountMinor: 100n }, reason: null },
    { amount: { amountMinor: 400n }, reason: memo, pdfUrl: expect.stringMatching(/^http/) },
  ]);
  expect(detail.refunds.map(({ amount }) => amount.amountMinor)).toEqual([100n, 400n]);
  expect(await latest(of)).toMatchObject({ credited: { amountMinor: 500n }, creditNotes: [{}, {}] });
  const rest = await credit(of, { invoiceId, key: "c" });
  expect(rest.amountMinor).toBe(1_000);
  await expect(credit(of, { invoiceId, key: "d" })).rejects.toMatchObject({ code: "CONFLICT" });
  const told = await owner`select subject, details from audit_events
    where tenant_id = ${of.tenant.id} and action = 'invoice.credit_requested' order by id`;
  expect(told.map(({ details }) => details.amountMinor)).toEqual([400, 100, 1_000]);
  expect(told[0]).toMatchObject({ subject: invoiceId, details: { reason: "asked by mail", key: "a" } });
});

test("no more than is left, nobody else's, and no key for two things", async () => {
  const { of, invoiceId } = await subscriber();
  const bo = await tenant("bo");
  await expect(credit(bo, { invoiceId })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await buy(bo, { pack: "credits_100" });
  await expect(credit(bo, { invoiceId })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(credit(of, { invoiceId: "in_gone" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  const tooMuch = { invoiceId, amountMinor: 1_501 };
  await expect(credit(of, tooMuch)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  await credit(of, { invoiceId, amountMinor: 300 });
  for (const other of [{ amountMinor: 301 }, { give: "balance" }, { plan: "ends_now" }] as const)
    await expect(credit(of, { invoiceId, ...other })).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  // Refunded by hand at Stripe, without a note: that money is gone too.
  const { data } = await stripe.invoicePayments.list({ invoice: invoiceId });
  await stripe.refunds.create({ payment_intent: data[0]!.payment.payment_intent as string, amount: 1_000 });
  await expect(credit(of, { invoiceId, amountMinor: 201, key: "b" })).rejects.toMatchObject({
    code: "INVALID_INPUT",
  });
  expect(await credit(of, { invoiceId, key: "c" })).toMatchObject({ amountMinor: 200 });
});

test("a credit may stay for the next invoices, and of an open invoice less is owed", async () => {
  const { of, invoiceId } = await subscriber();
  await credit(of, { invoiceId, amountMinor: 600, give: "balance" });
  expect(await stripe.customers.retrieve(await ensureCustomer(of))).toMatchObject({ balance: -600 });
  await set.advance({ days: 31, minutes: 1 });
  expect(await stripe.invoices.retrieve((await latest(of)).id)).toMatchObject({ amount_paid: 900 });
  const cleo = await tenant("cleo");
  const open = await unpaid(cleo, 700);
  expect(await credit(cleo, { invoiceId: open, amountMinor: 200 })).toMatchObject({ give: "nothing" });
  expect(await latest(cleo)).toMatchObject({ status: "open", due: { amountMinor: 500n } });
  await credit(cleo, { invoiceId: open, key: "rest" });
  expect(await latest(cleo)).toMatchObject({ status: "paid", due: { amountMinor: 0n } });
});

test("the plan ends when the operator says so, at once or with the period, and a repeated wish changes nothing more", async () => {
  const { of, invoiceId } = await subscriber();
  await credit(of, { invoiceId, amountMinor: 1, plan: "ends_at_period_end" });
  await credit(of, { invoiceId, amountMinor: 1, plan: "ends_at_period_end" });
  expect(await subscriptionOf(of)).toMatchObject({
    plan: { id: "pro" },
    subscription: { cancelAt: expect.any(Date) },
  });
  await credit(of, { invoiceId, plan: "ends_now", key: "b" });
  await credit(of, { invoiceId, plan: "ends_now", key: "b" });
  expect((await subscriptionOf(of)).plan.id).toBe("free");
  expect(await notesAtStripe(of)).toEqual([1_499, 1]);
});

test("a process that dies after the credit and before the plan's end leaves that end to whoever takes it up", async () => {
  const { of, invoiceId } = await subscriber();
  const { stripe: mortal, died } = dyingStripe(7, "before");
  void credit({ ...of, stripe: mortal }, { invoiceId, plan: "ends_now" });
  await died;
  await owner`update customers set lease_ends_at = clock_timestamp() where tenant_id = ${of.tenant.id}`;
  await resumeCredits(of);
  expect((await subscriptionOf(of)).plan.id).toBe("free");
  expect(await notesAtStripe(of)).toEqual([1_500]);
  const rows = await owner`select 1 from invoice_credits
    where tenant_id = ${of.tenant.id} and finished_at is null`;
  expect(rows).toEqual([]);
});

test("credits that came with the invoice are taken back in the measure in which its money goes back", async () => {
  const of = await tenant("dan");
  await buy(of, { order: { plan: "pro", pack: "credits_500" } });
  const invoice = await latest(of);
  expect(invoice.total.amountMinor).toBe(3_500n);
  await credit(of, { invoiceId: invoice.id, amountMinor: 1_750 });
  expect((await balance(of)).available).toBe(250);
  await settled();
  const told = await owner`select type from outbox
    where tenant_id = ${of.tenant.id} and type in ('order.refunded', 'billing.invoice_credited')`;
  expect(told).toEqual([{ type: "order.refunded" }]);
});

test("a disputed payment gives nothing back", async () => {
  const { of, invoiceId } = await subscriber();
  const { data } = await stripe.invoicePayments.list({ invoice: invoiceId });
  simulator.control.openDispute({ payment: data[0]!.payment.payment_intent as string });
  await settled();
  await expect(credit(of, { invoiceId })).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await notesAtStripe(of)).toEqual([]);
});

// The fifth request looks for the note, the sixth makes it, and what comes then is the sync.
test.each([
  { at: 5, moment: "after" },
  { at: 6, moment: "before" },
  { at: 6, moment: "after" },
  { at: 7, moment: "before" },
] as const)(
  "a process that dies $moment its request $at credits once, whoever takes it up",
  async ({ at, moment }) => {
    const { of, invoiceId } = await subscriber();
    const { stripe: mortal, died } = dyingStripe(at, moment);
    const run = credit({ ...of, stripe: mortal }, { invoiceId, amountMinor: 200 }).catch(() => undefined);
    await Promise.race([run, died]);
    await owner`update customers set lease_ends_at = clock_timestamp() where tenant_id = ${of.tenant.id}`;
    await settled();
    await resumeCredits(of);
    await credit(of, { invoiceId, amountMinor: 200 });
    expect(await notesAtStripe(of)).toEqual([200]);
    const rows = await owner`select status from invoice_credits where tenant_id = ${of.tenant.id}`;
    expect(rows).toMatchObject([{ status: "issued" }]);
  },
);

test("each credit note is told once, whoever wrote it, with where its money went", async () => {
  const { of, invoiceId } = await subscriber();
  await credit(of, { invoiceId, amountMinor: 400 });
  await stripe.creditNotes.create({
    invoice: invoiceId,
    amount: 300,
    refund_amount: 100,
    credit_amount: 200,
  });
  const open = await unpaid(of, 900);
  await credit(of, { invoiceId: open, amountMinor: 250, key: "b" });
  await settled();
  await syncCustomer(of);
  const rows = await owner`select payload from outbox
    where tenant_id = ${of.tenant.id} and type = 'billing.invoice_credited' order by payload->>'amountMinor' desc`;
  const parts = { refundedMinor: "0", balanceMinor: "0", unpaidMinor: "0" };
  expect(rows.map(({ payload }) => payload)).toMatchObject([
    { ...parts, invoiceId, amountMinor: "400", refundedMinor: "400" },
    { ...parts, invoiceId, amountMinor: "300", refundedMinor: "100", balanceMinor: "200" },
    { ...parts, invoiceId: open, amountMinor: "250", unpaidMinor: "250" },
  ]);
});
