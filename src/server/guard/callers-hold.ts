import { and, eq, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { entries } from "../ledger/tables";

/**
 * Demands that a hold was made over the API, not by a guarded procedure: what is set aside for work of ours is ours to
 * settle, or its caller could settle it on nothing while the work runs.
 * @throws AppError NOT_FOUND
 */
export async function callersHold<I extends { holdId: string }>(ctx: TenantCtx, input: I): Promise<I> {
  const [ours] = await inTenant(ctx, (tx) =>
    tx
      .select({ id: entries.id })
      .from(entries)
      .where(
        and(
          eq(entries.tenantId, ctx.tenant.id),
          eq(entries.id, input.holdId),
          sql`${entries.properties} ? 'procedure'`,
        ),
      ),
  );
  if (ours) throw new AppError("NOT_FOUND", "There is no such hold or charge.");
  return input;
}
