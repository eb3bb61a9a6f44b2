import { and, eq, lte, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { endPlan } from "../entitlements/end-plan";
import { tenantPlans } from "../plans/tables";

/**
 * Brings a tenant's credits up to now: a plan whose end has come is over, a refill that is due is made, and what is left
 * of expired lots is written off.
 * Whoever reads a balance does it first, so that what is shown is what the books say. Late or twice, it changes nothing more.
 * @returns the units written off, and whether there was a refill
 */
export async function settleCredits(ctx: TenantCtx): Promise<{ writtenOff: number; refilled: boolean }> {
  return inTenant(ctx, async (tx, inner) => {
    const now = ctx.now();
    // What is due on a plan that is over is for the next plan to say.
    const [over] = await tx
      .select({ endsAt: tenantPlans.endsAt })
      .from(tenantPlans)
      .where(and(eq(tenantPlans.tenantId, ctx.tenant.id), lte(tenantPlans.endsAt, now)));
    if (over) await endPlan(inner);
    const [row] = await tx.execute<{ written_off: string; refilled: boolean }>(
      sql`select * from credit_settle(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${newId("entry", now)}, ${actorName(ctx.actor)})`,
    );
    return { writtenOff: Number(row!.written_off), refilled: row!.refilled };
  });
}
