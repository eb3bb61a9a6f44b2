import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { addTaxId, billingDetails, removeTaxId, updateDetails } from "@/server/billing/details";
import { createCaller } from "@/server/root";
import { ensureCustomer } from "@/server/stripe/customer";

const { ctx, tenant, owner, stripe, simulator, buy, settled } = await stage();

const FIRM = {
  name: "Ada Ltd",
  email: "books@ada.test",
  address: { line1: "1 Lane", city: "Berlin", postalCode: "10115", country: "DE" },
};
const VAT = { type: "eu_vat", value: "DE123456789" };
const audits = (id: string) =>
  owner`select action, subject from audit_events where tenant_id = ${id}
    and (action like 'billing.%' or action like 'tax_id.%') order by id`;

test("what is typed in is shown again, stands at Stripe and on the next invoice", async () => {
  const ada = await tenant("ada");
  expect(await billingDetails(ada)).toEqual({ name: null, email: null, address: null, taxIds: [] });
  expect(await updateDetails(ada, FIRM)).toMatchObject({
    ...FIRM,
    address: { ...FIRM.address, line2: "", state: "", countryName: "Germany" },
  });
  const { taxIds } = await addTaxId(ada, VAT);
  expect(taxIds).toMatchObject([{ ...VAT, verification: "verified" }]);
  await buy(ada, { plan: "pro", interval: "month" });
  const [invoice] = (await stripe.invoices.list({ customer: await ensureCustomer(ada) })).data;
  expect(invoice).toMatchObject({
    customer_name: "Ada Ltd",
    customer_address: { line1: "1 Lane", line2: null, postal_code: "10115", country: "DE" },
    customer_tax_ids: [VAT],
  });
  expect(await updateDetails(ada, { ...FIRM, address: null })).toMatchObject({ address: null });
  expect(await audits(ada.tenant.id)).toMatchObject([
    { action: "billing.details_changed" },
    { action: "tax_id.added", subject: "eu_vat" },
    { action: "billing.details_changed" },
  ]);
});

test("what Stripe refuses is the typer's mistake, said by its field, and nothing changes", async () => {
  const bo = await tenant("bo");
  await updateDetails(bo, FIRM);
  const before = await billingDetails(bo);
  const invalid = (hint: unknown) => ({ code: "INVALID_INPUT", hint });
  await expect(addTaxId(bo, { type: "eu_vat", value: "DE12" })).rejects.toMatchObject(
    invalid("tax_id_invalid value"),
  );
  await expect(addTaxId(bo, { type: "xx_nothing", value: "DE12" })).rejects.toMatchObject(
    invalid(expect.stringContaining("type")),
  );
  await expect(updateDetails(bo, { ...FIRM, email: "bo" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  const country = { ...FIRM, address: { line1: "1 Lane", country: "Germany" } };
  await expect(updateDetails(bo, country)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  expect(await billingDetails(bo)).toEqual(before);
});

test("the same tax id twice, even at once, is one; a sixth is refused; another workspace's does not exist", async () => {
  const [ada, bo] = [await tenant("ada"), await tenant("bo")];
  await Promise.all([addTaxId(ada, VAT), addTaxId(ada, { ...VAT, value: "de 123 456 789" })]);
  const [kept] = (await addTaxId(ada, VAT)).taxIds;
  expect((await billingDetails(ada)).taxIds).toHaveLength(1);
  for (const digit of [1, 2, 3, 4]) await addTaxId(ada, { type: "eu_vat", value: `FR${digit}2345678901` });
  await expect(addTaxId(ada, { type: "eu_vat", value: "IT12345678901" })).rejects.toMatchObject({
    code: "CONFLICT",
  });
  await updateDetails(bo, FIRM);
  for (const other of [bo, await tenant("cleo")])
    await expect(removeTaxId(other, { id: kept!.id })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await removeTaxId(ada, { id: kept!.id })).taxIds).toHaveLength(4);
  await expect(removeTaxId(ada, { id: kept!.id })).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a customer that somebody deleted at Stripe is shown as nobody, and gets a successor with the next change", async () => {
  const dan = await tenant("dan");
  await updateDetails(dan, FIRM);
  await settled();
  simulator.control.setMode({ drop: ["*"] });
  const first = await ensureCustomer(dan);
  await stripe.customers.del(first);
  await settled();
  simulator.control.setMode({ drop: [] });
  expect(await billingDetails(dan)).toMatchObject({ name: null, taxIds: [] });
  expect(await updateDetails(dan, { ...FIRM, name: "Dan" })).toMatchObject({ name: "Dan" });
  expect(await ensureCustomer(dan)).not.toBe(first);
});

test("the billing role changes whom invoices are for; a plain member neither sees nor changes it", async () => {
  const cleo = await tenant("cleo");
  const as = async (role: string) => {
    await owner`update members set role = ${role} where tenant_id = ${cleo.tenant.id}`;
    const request = { headers: new Headers(), resHeaders: new Headers(), workspace: cleo.tenant.slug };
    return createCaller({ ...ctx, actor: cleo.actor, request }).billing;
  };
  expect(await (await as("billing")).updateDetails(FIRM)).toMatchObject({ name: "Ada Ltd" });
  const member = await as("member");
  const calls = [() => member.details(), () => member.updateDetails(FIRM), () => member.addTaxId(VAT)];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "FORBIDDEN" });
});
