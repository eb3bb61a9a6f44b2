import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { prices as tollgate } from "@/config/plans";
import { changePlan } from "@/server/billing/change-plan";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { ensureCustomer } from "@/server/stripe/customer";

const { tenant, stripe, buy, advance } = await stage({ prices: { ...tollgate, automaticTax: true } });

const PRO = { plan: "pro", interval: "month" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
const invoicesOf = async (ctx: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(ctx) })).data;

test("with tax configured every invoice of a subscription has it, and a preview names it to the cent", async () => {
  const ada = await tenant("ada");
  await buy(ada, PRO);
  expect((await invoicesOf(ada))[0]).toMatchObject({ subtotal: 1_500, total: 1_800 });
  await advance({ days: 10, hours: 3 });
  const up = await previewChange(ada, ENTERPRISE);
  const net = up.lines.reduce((sum, { amount }) => sum + amount.amountMinor, 0n);
  expect(up.tax.amountMinor).toBeGreaterThan(0n);
  expect(up.dueNow.amountMinor).toBe(net + up.tax.amountMinor);
  expect(up.next.amount.amountMinor).toBe(11_880n);
  await changePlan(ada, { ...ENTERPRISE, preview: up.preview });
  const [charged] = await invoicesOf(ada);
  expect(charged).toMatchObject({ status: "paid", total: Number(up.dueNow.amountMinor) });
  expect(charged!.total_taxes?.[0]?.amount).toBe(Number(up.tax.amountMinor));
  const down = await previewChange(ada, PRO);
  expect(down).toMatchObject({
    timing: "period_end",
    tax: { amountMinor: 0n },
    next: { amount: { amountMinor: 1_800n } },
  });
  await changePlan(ada, { ...PRO, preview: down.preview });
  await advance({ days: 31 });
  expect((await invoicesOf(ada))[0]).toMatchObject({ total: 1_800, status: "paid" });
});
