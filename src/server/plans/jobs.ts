import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import type { Ctx, TenantCtx } from "../context";
import { inTransaction } from "../db/transaction";

const PAGE = 500;

/**
 * The tenants that are on another version of a plan than `except`, by id, for an operator's work on all of them: one at a
 * time, each to be asked as itself. Those of one page are listed at once, so that whoever comes meanwhile may be missed.
 */
export async function* tenantsOnPlan(
  ctx: Ctx,
  { planId, except, after = "" }: { planId: string; except: string; after?: string },
): AsyncGenerator<TenantCtx> {
  for (let last = after; ; ) {
    const page = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string }>(
        sql`select tenant_id from tenants_on_plan(${planId}, ${except}, ${last}, ${PAGE})`,
      ),
    );
    for (const row of page) yield tenantListed(ctx, row.tenant_id);
    if (page.length < PAGE) return;
    last = page.at(-1)!.tenant_id;
  }
}

/** Acts for a tenant that cron's own listing named. @throws AppError NOT_FOUND when it is gone meanwhile */
export async function tenantListed(ctx: Ctx, tenantId: string): Promise<TenantCtx> {
  return { ...ctx, tenant: await tenantById(ctx, provenTenantId(tenantId)) };
}
