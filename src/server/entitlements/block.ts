import { eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { meters } from "../ledger/tables";
import { parseInput } from "../parse";
import { blockedReasonOf, lockMeters, lockPlan } from "./follow-plan";
import { type SetBlockedInput, setBlockedInput } from "./inputs";

/**
 * Stops all consumption of a tenant (past due, suspended), or lets it go on; what it has stays its own. From the
 * next call on, holds that settle included; meters that a later plan brings are blocked too.
 * @throws AppError INVALID_INPUT
 */
export async function setBlocked(ctx: TenantCtx, input: SetBlockedInput): Promise<void> {
  const { reason } = parseInput(setBlockedInput, input);
  await inTenant(ctx, async (tx, inner) => {
    await lockPlan(inner);
    const known = await lockMeters(inner);
    if (known.every((meter) => meter.blockedReason === reason)) return;
    await tx.update(meters).set({ blockedReason: reason }).where(eq(meters.tenantId, ctx.tenant.id));
    const action = reason === null ? "tenant.unblocked" : "tenant.blocked";
    await audit(inner, { action, details: { reason: reason ?? blockedReasonOf(known) } });
  });
}
