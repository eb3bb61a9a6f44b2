import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { endPlan } from "./end-plan";

const PAGE = 500;

/**
 * Cron `reset`: ends the plans that are over. The next call that a tenant makes does the same, so this is
 * housekeeping: safe late, twice, by two runners at once, or never.
 */
export async function endPlans(ctx: Ctx): Promise<{ plansEnded: number }> {
  let plansEnded = 0;
  let after = "";
  for (;;) {
    const due = await plansDue(ctx, after);
    for (const id of due) {
      const tenant = await tenantById(ctx, provenTenantId(id));
      if (await endPlan({ ...ctx, tenant })) plansEnded += 1;
      after = id;
    }
    if (due.length < PAGE) return { plansEnded };
  }
}

async function plansDue(ctx: Ctx, after: string): Promise<string[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string }>(
      sql`select tenant_id from plans_due(${ctx.now().toISOString()}::timestamptz, ${after}, ${PAGE})`,
    ),
  );
  return rows.map((row) => row.tenant_id);
}
