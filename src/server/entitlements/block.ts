import { and, eq } from "drizzle-orm";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { meters } from "../ledger/tables";
import { parseInput } from "../parse";
import { blockedReasonOf, lockMeters, lockPlan, type WritingCtx } from "./follow-plan";
import { type BlockInput, blockInput } from "./inputs";
import { tenantBlocks } from "./tables";

/**
 * Stops all consumption of a tenant for a reason (past due, suspended, debt); what it has stays its own. From the next
 * call on, holds that settle included; meters that a later plan brings are blocked too. The same reason twice is once.
 * @returns whether it was not blocked for that reason before
 * @throws AppError INVALID_INPUT
 */
export async function block(ctx: TenantCtx, input: BlockInput): Promise<boolean> {
  const { reason } = parseInput(blockInput, input);
  return inTenant(ctx, async (tx, inner) => {
    await lockPlan(inner);
    const row = { tenantId: ctx.tenant.id, reason, actor: actorName(ctx.actor), createdAt: ctx.now() };
    const made = await tx.insert(tenantBlocks).values(row).onConflictDoNothing().returning();
    if (made.length === 1) await followBlocks(inner, "tenant.blocked", reason);
    return made.length === 1;
  });
}

/**
 * Takes one reason away. The tenant may consume again when no other is left. Told twice, it changes nothing more.
 * @throws AppError INVALID_INPUT
 */
export async function unblock(ctx: TenantCtx, input: BlockInput): Promise<void> {
  const { reason } = parseInput(blockInput, input);
  await inTenant(ctx, async (tx, inner) => {
    await lockPlan(inner);
    const ofReason = and(eq(tenantBlocks.tenantId, ctx.tenant.id), eq(tenantBlocks.reason, reason));
    const gone = await tx.delete(tenantBlocks).where(ofReason).returning();
    if (gone.length === 1) await followBlocks(inner, "tenant.unblocked", reason);
  });
}

/** Makes the meters say the earliest reason there is. */
async function followBlocks(ctx: WritingCtx, action: string, reason: string): Promise<void> {
  const known = await lockMeters(ctx);
  const blockedReason = await blockedReasonOf(ctx);
  if (known.some((meter) => meter.blockedReason !== blockedReason))
    await ctx.tx.update(meters).set({ blockedReason }).where(eq(meters.tenantId, ctx.tenant.id));
  await audit(ctx, { action, details: { reason } });
}
