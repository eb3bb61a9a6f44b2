import { eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { creditAccounts } from "../credits/tables";
import type { Tx } from "../db/client";

type WritingCtx = TenantCtx & { tx: Tx };

/**
 * Says below which balance the tenant is due for a top-up; the gate says when it gets there, in the transaction that
 * draws. null: never. Either way it is due for one look now: the balance may be below already, or a payment under way.
 */
export async function watchTopUp(ctx: WritingCtx, threshold: number | null): Promise<void> {
  const row = { topUpAt: threshold, topUpDueAt: ctx.now() };
  await ctx.tx
    .insert(creditAccounts)
    .values({ tenantId: ctx.tenant.id, ...row })
    .onConflictDoUpdate({ target: creditAccounts.tenantId, set: row });
}

/** When cron looks at this tenant next; null: not before the balance falls again. */
export async function dueTopUp(ctx: WritingCtx, topUpDueAt: Date | null): Promise<void> {
  await ctx.tx.update(creditAccounts).set({ topUpDueAt }).where(eq(creditAccounts.tenantId, ctx.tenant.id));
}
