import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { changePlan } from "@/server/billing/change-plan";
import { previewChange } from "@/server/billing/preview-change";
import type { TenantCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { ensureCustomer } from "@/server/stripe/customer";
import { subscriptionOf } from "@/server/subscriptions/subscription";
import { syncCustomer } from "@/server/sync/sync";

const { tenant, owner, simulator, stripe, buy, advance, settled } = await stage();

const PRO = { plan: "pro", interval: "month" } as const;
const ENTERPRISE = { plan: "enterprise", interval: "month" } as const;
/** More than a change asks Stripe. */
const MAX_REQUESTS = 40;

const invoicesOf = async (ctx: TenantCtx) =>
  (await stripe.invoices.list({ customer: await ensureCustomer(ctx) })).data;
const rowsOf = (ctx: TenantCtx) =>
  owner`select status from plan_changes where tenant_id = ${ctx.tenant.id} order by id`;

/** Runs something while the nth request to Stripe fails. @returns whether there was an nth */
async function failing(nth: number, kind: "500" | "close", work: () => Promise<unknown>): Promise<boolean> {
  let sent = 0;
  const onRequest = () => {
    sent += 1;
    // A closed connection is asked again by itself, twice.
    if (sent === nth) simulator.control.failNext(kind, kind === "close" ? 3 : 1);
  };
  stripe.on("request", onRequest);
  try {
    await work().catch((error) => expect(error).toBeInstanceOf(AppError));
  } finally {
    stripe.off("request", onRequest);
  }
  return sent >= nth;
}

/** What a person does: the same button again, or, when told so, another look. */
async function insist(ctx: TenantCtx, preview: string): Promise<void> {
  try {
    await changePlan(ctx, { ...ENTERPRISE, preview });
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFLICT" });
    if ((await subscriptionOf(ctx)).plan.id === "enterprise") return;
    const again = await previewChange(ctx, ENTERPRISE);
    await changePlan(ctx, { ...ENTERPRISE, preview: again.preview });
  }
}

test.for(["500", "close"] as const)(
  "whichever request of a change fails (%s), the next try makes one change and one invoice",
  async (kind) => {
    for (let nth = 1; nth <= MAX_REQUESTS; nth += 1) {
      const ctx = await tenant("ada");
      await buy(ctx, PRO);
      const before = (await invoicesOf(ctx)).length;
      const { preview } = await previewChange(ctx, ENTERPRISE);
      const wasHit = await failing(nth, kind, () => changePlan(ctx, { ...ENTERPRISE, preview }));
      await insist(ctx, preview);
      await settled();
      expect(await subscriptionOf(ctx)).toMatchObject({ plan: { id: "enterprise" } });
      expect((await invoicesOf(ctx)).length).toBe(before + 1);
      expect((await rowsOf(ctx)).at(-1)).toEqual({ status: "changed" });
      if (!wasHit) return;
    }
    throw new Error("A change asks Stripe without end.");
  },
);

test("a change that Stripe made just before we died is known by the next sync, and asked again it is the same", async () => {
  const bo = await tenant("bo");
  await buy(bo, PRO);
  await advance({ days: 3 });
  const { preview, dueNow } = await previewChange(bo, ENTERPRISE);
  const first = await changePlan(bo, { ...ENTERPRISE, preview });
  const invoices = (await invoicesOf(bo)).length;
  const forget = () => owner`update plan_changes set status = 'asked' where tenant_id = ${bo.tenant.id}`;
  await forget();
  expect(await changePlan(bo, { ...ENTERPRISE, preview })).toEqual(first);
  await forget();
  await syncCustomer(bo);
  expect(await rowsOf(bo)).toEqual([{ status: "changed" }]);
  expect((await invoicesOf(bo)).length).toBe(invoices);
  expect(first.total).toEqual(dueNow);
});
