import { moneyOf } from "@tests/orders/refunds";
import { creditBusiness } from "@tests/support/credits";
import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { ensureCustomer } from "@/server/stripe/customer";
import { syncCustomer } from "@/server/sync/sync";

const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: 30 };
const business = creditBusiness({ free: undefined }, { amount });
const price = { kind: "recurring", monthlyMinor: 1_500, annualMinor: null } as const;
const pro = { ...business.plans[0]!, id: "pro", name: "Pro", price };
const set = await stage({ prices: { ...business, plans: [...business.plans, pro] }, poolSize: 10 });
const { tenant, buy, owner } = set;
const money = moneyOf(set);
const HUNDRED = { order: { credits: 100 } };

const told = (of: TenantCtx, type: string) =>
  owner`select payload from outbox where tenant_id = ${of.tenant.id} and type = ${type} order by id`.then(
    (rows) => rows.map(({ payload }) => payload),
  );

test("a receipt is told with the order that was fulfilled, once, however often the payment is", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  for (let again = 0; again < 3; again += 1) await syncCustomer(ada);
  expect(await told(ada, "order.fulfilled")).toEqual([
    {
      orderId: expect.stringMatching(/^ord_/),
      totalMinor: "1000",
      taxMinor: "0",
      currency: "usd",
      lines: [{ name: expect.stringContaining("100"), amountMinor: "1000" }],
      automatic: false,
    },
  ]);
});

test("each refund that went out is told, by itself and once", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await money.refund(ada, 250);
  await money.refund(ada, 300);
  for (let again = 0; again < 3; again += 1) await syncCustomer(ada);
  const amounts = (await told(ada, "order.refunded")).map(({ amountMinor }) => amountMinor);
  expect(amounts.sort()).toEqual(["250", "300"]);
});

test("a dispute is told when it takes the money and when it is decided; the debt that it leaves once it stops the workspace", async () => {
  const ada = await tenant("ada");
  await buy(ada, HUNDRED);
  await consume(ada, { feature: "pages", units: 40 });
  await money.dispute(ada);
  await money.decide(ada, "under_review");
  await syncCustomer(ada);
  expect((await told(ada, "order.disputed")).map(({ status }) => status)).toEqual(["open"]);
  expect(await told(ada, "credits.debt")).toEqual([{ owed: 40 }]);
  await money.decide(ada, "lost");
  await syncCustomer(ada);
  expect((await told(ada, "order.disputed")).map(({ status }) => status)).toEqual(["open", "lost"]);
  expect(await told(ada, "credits.debt")).toHaveLength(1);
});

test("an invoice that was paid is told once; one of a purchase that has its own receipt is not told a second time", async () => {
  const { stripe, advance, settled } = set;
  const [bo, cleo] = [await tenant("bo"), await tenant("cleo")];
  await buy(bo, { plan: "pro", interval: "month" });
  await buy(cleo, { order: { plan: "pro", interval: "month", credits: 100 } });
  const paid = { invoiceId: expect.stringMatching(/^in_/), totalMinor: "1500", currency: "usd" };
  expect(await told(bo, "billing.invoice_paid")).toEqual([
    { ...paid, number: expect.any(String), url: expect.stringContaining("/i/in_") },
  ]);
  expect(await told(cleo, "order.fulfilled")).toHaveLength(1);
  expect(await told(cleo, "billing.invoice_paid")).toEqual([]);
  await advance({ days: 31 });
  for (const of of [bo, cleo]) await syncCustomer(of);
  expect(await told(bo, "billing.invoice_paid")).toHaveLength(2);
  expect(await told(cleo, "billing.invoice_paid")).toMatchObject([paid]);
  // One that no subscription has: its event alone names it.
  const customer = await ensureCustomer(bo);
  const item = { customer, amount: 700, currency: "usd", description: "Help" };
  await stripe.invoiceItems.create(item);
  const { id } = await stripe.invoices.create({ customer, pending_invoice_items_behavior: "include" });
  await stripe.invoices.finalizeInvoice(id);
  await stripe.invoices.pay(id, { paid_out_of_band: true });
  await settled();
  expect((await told(bo, "billing.invoice_paid")).at(-1)).toMatchObject({ invoiceId: id, totalMinor: "700" });
  // What was told long ago is forgotten, and still not told again.
  await advance({ days: 15 });
  await owner`delete from outbox where tenant_id = ${cleo.tenant.id}`;
  await syncCustomer(cleo);
  expect(await told(cleo, "billing.invoice_paid")).toEqual([]);
});
