import { and, eq, gt, min, sum } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { debts } from "./tables";

export interface Debt {
  /** Units that were spent and then taken back. */
  owed: number;
  /** The oldest of what is owed; null: nothing is. */
  since: Date | null;
}

/** What a tenant owes of one unit. Its next purchase pays this first. */
export async function debtOf(ctx: TenantCtx, unit = "credits"): Promise<Debt> {
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .select({ owed: sum(debts.outstanding), since: min(debts.createdAt) })
      .from(debts)
      .where(and(eq(debts.tenantId, ctx.tenant.id), eq(debts.unit, unit), gt(debts.outstanding, 0))),
  );
  return { owed: Number(row?.owed ?? 0), since: row?.since ?? null };
}
