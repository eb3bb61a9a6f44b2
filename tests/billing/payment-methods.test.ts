import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { cancelSubscription } from "@/server/billing/end-subscription";
import {
  addPaymentMethod,
  listPaymentMethods,
  removePaymentMethod,
  setDefaultPaymentMethod,
} from "@/server/billing/payment-methods";
import { refreshBilling } from "@/server/billing/return";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";

const { tenant, owner, stripe, buy, pay, advance, settled } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const attach = async (ctx: TenantCtx, card: string) =>
  (await stripe.paymentMethods.attach(card, { customer: await ensureCustomer(ctx) })).id;

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
