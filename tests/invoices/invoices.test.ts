import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { invoiceOf, listInvoices } from "@/server/invoices/invoices";

const { tenant, stripe, buy, advance } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;

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
