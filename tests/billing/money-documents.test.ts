import { expect, test } from "vitest";
import { ensureCustomer } from "@/server/billing/customer";
import { cancelSubscription } from "@/server/billing/end-subscription";
import { invoiceOf, listInvoices } from "@/server/billing/invoices";
import {
  addPaymentMethod,
  listPaymentMethods,
  removePaymentMethod,
  setDefaultPaymentMethod,
} from "@/server/billing/payment-methods";
import { refreshBilling } from "@/server/billing/return";
import type { TenantCtx } from "@/server/context";
import { stage } from "./stage";

const { tenant, owner, stripe, buy, pay, advance, settled } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const attach = async (ctx: TenantCtx, card: string) =>
  (await stripe.paymentMethods.attach(card, { customer: await ensureCustomer(ctx) })).id;

test("invoices are listed newest first, page by page, with their links; another workspace's do not exist", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  expect(await listInvoices(ada)).toEqual({ invoices: [], next: null });
  await buy(ada, PRO);
  await advance({ days: 62 });
  const { invoices, next } = await listInvoices(ada, { limit: 2 });
  expect(invoices).toMatchObject([
    { status: "paid", total: { amountMinor: 1_500n, currency: "usd" }, due: { amountMinor: 0n } },
    { status: "paid" },
  ]);
  expect(invoices[0]).toMatchObject({
    number: expect.any(String),
    hostedUrl: expect.stringMatching(/^http/),
    pdfUrl: expect.stringMatching(/^http/),
    title: expect.stringContaining("Pro"),
  });
  const rest = await listInvoices(ada, { limit: 2, cursor: next! });
  expect([rest.invoices.length, rest.next]).toEqual([1, null]);
  expect(new Set([...invoices, ...rest.invoices].map(({ id }) => id)).size).toBe(3);
  const invoiceId = invoices[0]!.id;
  for (const other of [bo, await tenant("cleo")])
    await expect(invoiceOf(other, { invoiceId })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await buy(bo, PRO);
  await expect(invoiceOf(bo, { invoiceId })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(invoiceOf(ada, { invoiceId: "in_gone" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(listInvoices(ada, { cursor: "'; drop" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
});

test("an invoice shows its lines, what they come to, and what of its payment went back", async () => {
  const ada = await tenant("ada");
  await buy(ada, PRO);
  const [invoice] = (await listInvoices(ada)).invoices;
  const { data } = await stripe.invoicePayments.list({ invoice: invoice!.id });
  await stripe.refunds.create({ payment_intent: data[0]!.payment.payment_intent as string, amount: 400 });
  const detail = await invoiceOf(ada, { invoiceId: invoice!.id });
  expect(detail.lines.reduce((sum, { amount }) => sum + amount.amountMinor, 0n)).toBe(
    detail.subtotal.amountMinor,
  );
  expect(detail).toMatchObject({
    total: { amountMinor: 1_500n },
    tax: { amountMinor: 0n },
    discount: { amountMinor: 0n },
    refunds: [{ amount: { amountMinor: 400n }, status: "succeeded" }],
  });
});

test("a card is added on a page of its own, and the first one is the one that is charged", async () => {
  const bo = await tenant("bo");
  expect(await listPaymentMethods(bo)).toEqual([]);
  const { url } = await addPaymentMethod(bo);
  expect((await pay(url)).location).toContain("/billing?from=card");
  await refreshBilling(bo);
  await refreshBilling(bo);
  expect(await listPaymentMethods(bo)).toMatchObject([
    { brand: "visa", last4: "4242", isDefault: true, expiresOn: { month: 12 } },
  ]);
  await pay((await addPaymentMethod(bo)).url);
  await settled();
  await refreshBilling(bo);
  expect((await listPaymentMethods(bo)).map(({ isDefault }) => isDefault)).toEqual([true, false]);
});

test("another default is charged at the next renewal, and takes over when the default is removed", async () => {
  const cleo = await tenant("cleo");
  await buy(cleo, PRO);
  const [first] = await listPaymentMethods(cleo);
  expect(first).toMatchObject({ isDefault: true });
  const second = await attach(cleo, "pm_card_mastercard");
  expect((await setDefaultPaymentMethod(cleo, { id: second }))[0]).toMatchObject({
    id: second,
    isDefault: true,
  });
  await setDefaultPaymentMethod(cleo, { id: second });
  await advance({ days: 31, minutes: 1 });
  const [renewal] = (await stripe.charges.list({ customer: await ensureCustomer(cleo), limit: 1 })).data;
  expect(renewal?.payment_method).toBe(second);
  expect(await removePaymentMethod(cleo, { id: second })).toMatchObject([{ id: first!.id, isDefault: true }]);
});

test("the last payment method of a subscription that renews stays; of one that ends it may go", async () => {
  const dan = await tenant("dan");
  await buy(dan, PRO);
  const [card] = await listPaymentMethods(dan);
  await expect(removePaymentMethod(dan, { id: card!.id })).rejects.toMatchObject({ code: "CONFLICT" });
  const other = await attach(dan, "pm_card_mastercard");
  const both = [removePaymentMethod(dan, { id: other }), removePaymentMethod(dan, { id: card!.id })];
  const results = await Promise.allSettled(both);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const [left] = await listPaymentMethods(dan);
  await cancelSubscription(dan, { when: "period_end", reason: "unused" });
  expect(await removePaymentMethod(dan, { id: left!.id })).toEqual([]);
});

test("another workspace's payment method can be neither removed nor made the default", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  await buy(ada, PRO);
  const [card] = await listPaymentMethods(ada);
  await attach(bo, "pm_card_visa");
  for (const id of [card!.id, "pm_gone"]) {
    await expect(removePaymentMethod(bo, { id })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(setDefaultPaymentMethod(bo, { id })).rejects.toMatchObject({ code: "NOT_FOUND" });
  }
  const told = await owner`select * from audit_events
    where tenant_id = ${bo.tenant.id} and action like 'payment_method.%'`;
  expect(told).toEqual([]);
});
