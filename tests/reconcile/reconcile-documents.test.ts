import { stage } from "@tests/support/stage";
import { topUpStage } from "@tests/top-ups/top-ups";
import type Stripe from "stripe";
import { expect, test } from "vitest";
import { creditInvoice } from "@/server/back-office/credit-invoice";
import type { TenantCtx } from "@/server/context";
import { listInvoices } from "@/server/invoices/invoices";
import { creditDrift, invoiceDrift, paymentDrift } from "@/server/reconcile/document-drift-rules";
import { findAllDrift, reconcile } from "@/server/reconcile/reconcile";
import { ensureCustomer } from "@/server/stripe/customer";

const set = await stage({ poolSize: 10 });
const { ctx, tenant, owner, simulator, stripe, clock, buy, settled } = set;
const { dyingStripe } = topUpStage(set);

/** Whatever Stripe sends now never arrives, and its list of events has forgotten it: only a comparison can tell. */
const deaf = async (work: () => Promise<unknown>) => {
  await settled();
  simulator.control.setMode({ drop: ["*"] });
  await work();
  await settled();
  simulator.control.setMode({ drop: [] });
  await owner`insert into walks values ('events', '2100-01-01T00:00:00.000Z', now())
    on conflict (name) do update set position = excluded.position`;
};
const PRO = { plan: "pro", interval: "month" } as const;
const copies = (of: TenantCtx) =>
  owner`select invoice_id, status, total_minor, due_minor, credited_minor, payment_id from invoices
    where tenant_id = ${of.tenant.id} order by created_at desc, invoice_id`;
const drifts = (kind: string) =>
  owner`select subject, ours, theirs, how from drifts where kind = ${kind} order by id`;
const latest = async (of: TenantCtx) => (await listInvoices(of)).invoices[0]!;

test("every invoice that news name is copied: paid, open and void, whatever the order of the news", async () => {
  const ada = await tenant("ada");
  simulator.control.setMode({ reverse: true, duplicate: true });
  await buy(ada, PRO);
  const customer = await ensureCustomer(ada);
  const draft = await stripe.invoices.create({ customer, currency: "usd" });
  await stripe.invoiceItems.create({ customer, invoice: draft.id, amount: 700, currency: "usd" });
  await stripe.invoices.finalizeInvoice(draft.id);
  await settled();
  simulator.control.setMode({ reverse: false, duplicate: false });
  expect(await copies(ada)).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ status: "paid", total_minor: "1500", due_minor: "0" }),
      expect.objectContaining({ invoice_id: draft.id, status: "open", due_minor: "700", payment_id: null }),
    ]),
  );
  await stripe.invoices.voidInvoice(draft.id);
  await settled();
  expect((await copies(ada)).map(({ status }) => status).sort()).toEqual(["paid", "void"]);
  expect(await findAllDrift(ctx)).toEqual([]);
});

test("a renewal and a credit note of which no event is left are found, told once, and healed by the sync", async () => {
  const bo = await tenant("bo");
  await buy(bo, PRO);
  await deaf(async () => {
    clock.advance({ days: 32 });
    await simulator.control.advanceTo(clock.now());
    const { id: invoice } = await latest(bo);
    await stripe.creditNotes.create({ invoice, amount: 200, credit_amount: 200 });
  });
  const { id } = await latest(bo);
  const found = await findAllDrift(ctx);
  expect(found).toContainEqual({
    kind: "invoice",
    subject: id,
    ours: "nothing",
    theirs: "paid, 0 of 1500 due, 200 credited",
  });
  expect(await reconcile(ctx)).toMatchObject({ driftsLeft: 0, customersFailed: 0 });
  expect((await drifts("invoice")).filter(({ subject }) => subject === id)).toMatchObject([
    { how: "synced" },
  ]);
  expect((await copies(bo))[0]).toMatchObject({ invoice_id: id, status: "paid", credited_minor: "200" });
  await deaf(() => stripe.creditNotes.create({ invoice: id, amount: 100, refund_amount: 100 }));
  expect(await findAllDrift(ctx)).toMatchObject([
    {
      kind: "invoice",
      ours: "paid, 0 of 1500 due, 200 credited",
      theirs: "paid, 0 of 1500 due, 300 credited",
    },
  ]);
  await Promise.all([reconcile(ctx), reconcile(ctx)]);
  expect(await findAllDrift(ctx)).toEqual([]);
});

test("money that came for nothing is listed for people until it is given back", async () => {
  const cleo = await tenant("cleo");
  const customer = await ensureCustomer(cleo);
  const { id: payment_method } = await stripe.paymentMethods.attach("pm_card_visa", { customer });
  const wish = { customer, payment_method, amount: 900, currency: "usd", confirm: true, off_session: true };
  const { id } = await stripe.paymentIntents.create(wish);
  await settled();
  expect(await reconcile(ctx)).toMatchObject({ driftsLeft: 1 });
  expect(await reconcile(ctx)).toMatchObject({ driftsLeft: 1 });
  const told = { subject: id, ours: "nothing", theirs: "900 usd paid" };
  expect(await drifts("payment")).toMatchObject([{ ...told, how: null }]);
  await stripe.refunds.create({ payment_intent: id });
  await settled();
  expect(await reconcile(ctx)).toMatchObject({ driftsLeft: 0 });
  expect(await drifts("payment")).toMatchObject([{ ...told, how: "gone" }]);
});

test("an operator's credit whose process died is carried out by the next walk, once", async () => {
  const dan = await tenant("dan");
  await buy(dan, PRO);
  const { id: invoiceId } = await latest(dan);
  const { stripe: mortal, died } = dyingStripe(6, "before");
  const wish = { invoiceId, amountMinor: 300, reason: "asked by mail", key: "a" };
  void creditInvoice({ ...dan, stripe: mortal }, wish);
  await died;
  await owner`update customers set lease_ends_at = clock_timestamp() where tenant_id = ${dan.tenant.id}`;
  expect(await findAllDrift(ctx)).toMatchObject([{ kind: "credit_note", ours: "asked", theirs: "nothing" }]);
  await reconcile(ctx);
  await settled();
  expect((await latest(dan)).creditNotes).toMatchObject([{ amount: { amountMinor: 300n } }]);
  expect(await creditInvoice(dan, wish)).toMatchObject({ replayed: true });
  expect(await findAllDrift(ctx)).toEqual([]);
});

test("what differs is named on both sides; drafts, and what is older than the list, are nobody's drift", () => {
  const row = { invoiceId: "in_1", status: "open", totalMinor: 5n, dueMinor: 5n, creditedMinor: 0n };
  const theirs = { id: "in_1", status: "paid", total: 5, due: 0, credited: 0n };
  expect(invoiceDrift([row], [theirs])).toMatchObject([
    { ours: "open, 5 of 5 due, 0 credited", theirs: "paid, 0 of 5 due, 0 credited" },
  ]);
  expect(invoiceDrift([{ ...row, status: "draft" }], [{ ...theirs, status: "draft" }])).toEqual([]);
  const day = (at: number) => new Date(at * 86_400_000);
  const order = { id: "ord_1", paymentId: "pi_1", paidAt: day(2), totalMinor: 500n };
  const charge = { id: "ch_1", paid: true, status: "succeeded", payment_intent: "pi_1", amount: 500 };
  const charges = (fields: object) => [
    { ...charge, amount_refunded: 0, currency: "usd", ...fields } as Stripe.Charge,
  ];
  expect(paymentDrift([order], new Set(), charges({}), day(1))).toEqual([]);
  expect(paymentDrift([order], new Set(), [], day(1))).toMatchObject([
    { subject: "ord_1", theirs: "nothing" },
  ]);
  expect(paymentDrift([order], new Set(), [], day(3))).toEqual([]);
  expect(paymentDrift([order], new Set(), charges({ amount: 499 }), day(1))).toMatchObject([
    { ours: "500 paid by pi_1", theirs: "499" },
  ]);
  expect(paymentDrift([], new Set(["pi_1"]), charges({}), day(1))).toEqual([]);
  expect(paymentDrift([], new Set(), charges({ paid: false, status: "failed" }), day(1))).toEqual([]);
  const credit = { id: "icr_1", status: "issued", creditNoteId: "cn_1", finishedAt: day(1) };
  const note = { id: "cn_1", status: "void", metadata: {} } as Stripe.CreditNote;
  expect(creditDrift([credit], [note])).toMatchObject([{ ours: "issued", theirs: "void" }]);
});
