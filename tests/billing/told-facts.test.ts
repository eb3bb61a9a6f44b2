import { creditBusiness } from "@tests/support/credits";
import { expect, test } from "vitest";
import { syncCustomer } from "@/server/billing/sync";
import type { TenantCtx } from "@/server/context";
import { consume } from "@/server/quota/consume";
import { moneyOf } from "./refunds";
import { stage } from "./stage";

const amount = { minorUnits: 10, perUnits: 1, min: 10, max: 1_000, expiresAfterDays: 30 };
const set = await stage({ prices: creditBusiness({ free: undefined }, { amount }), poolSize: 10 });
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
