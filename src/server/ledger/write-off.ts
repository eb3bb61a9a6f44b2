import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";

/**
 * Writes off what a tenant's expired lots have left, each by an entry; returns how many units. Nobody could spend them
 * since the instant they expired, so this is housekeeping: safe late, twice, at once, or never.
 */
export async function writeOffExpired(ctx: TenantCtx): Promise<number> {
  return inTenant(ctx, async (tx) => {
    const now = ctx.now();
    const [row] = await tx.execute<{ units: string }>(
      sql`select gate_write_off_all(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${newId("entry", now)}, ${actorName(ctx.actor)}) as units`,
    );
    return Number(row?.units ?? 0);
  });
}
