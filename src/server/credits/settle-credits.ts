import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";

/**
 * Brings a tenant's credits up to now: a refill that is due is made, and what is left of expired lots is written off.
 * Whoever reads a balance does it first, so that what is shown is what the books say. Late or twice, it changes nothing more.
 * @returns the units written off, and whether there was a refill
 */
export async function settleCredits(ctx: TenantCtx): Promise<{ writtenOff: number; refilled: boolean }> {
  return inTenant(ctx, async (tx) => {
    const now = ctx.now();
    const [row] = await tx.execute<{ written_off: string; refilled: boolean }>(
      sql`select * from credit_settle(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${newId("entry", now)}, ${actorName(ctx.actor)})`,
    );
    return { writtenOff: Number(row!.written_off), refilled: row!.refilled };
  });
}
