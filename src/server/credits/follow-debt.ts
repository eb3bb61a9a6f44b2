import { newId } from "@/lib/ids";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { block, unblock } from "../entitlements/block";
import { tell } from "../events/service";
import { debtOf } from "../ledger/debt";
import { lockTenant } from "../ledger/lock-tenant";
import { mayOwe } from "./may-owe";

/** Why a tenant that owes credits is blocked. */
export const DEBT = "debt";

/**
 * Blocks a tenant that owes more credits, or for longer, than the price list lets it, and unblocks one that doesn't any
 * more. For whoever changed the debt, in the same transaction; and for cron, since time passes. Converges.
 */
export async function followDebt(ctx: TenantCtx): Promise<void> {
  await inTenant(ctx, async (_tx, inner) => {
    await lockTenant(inner);
    const debt = await debtOf(inner);
    if (mayOwe(ctx.prices.credits?.debt, debt, ctx.now())) return unblock(inner, { reason: DEBT });
    if (!(await block(inner, { reason: DEBT }))) return;
    const fact = `credits.debt:${newId("message", ctx.now())}`;
    await tell(inner, { type: "credits.debt", fact, payload: { owed: debt.owed } });
  });
}
