import { sql } from "drizzle-orm";
import { newId, provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import { actorName, type Ctx, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant, inTransaction } from "../db/transaction";

const PAGE = 500;

/** Rolls one meter of the ctx's tenant if its window is over. */
export async function rollMeter(ctx: TenantCtx & { tx: Tx }, feature: string): Promise<boolean> {
  const now = ctx.now();
  const rows = await ctx.tx.execute<{ rolled: boolean }>(
    sql`select gate_roll_due(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${feature}, ${newId("entry", now)}, ${actorName(ctx.actor)}) as rolled`,
  );
  return rows[0]?.rolled === true;
}

/**
 * Cron `reset`: opens the new window of every meter whose window is over. The gate does the same on the next call,
 * so this is housekeeping: safe late, twice, by two runners at once, or never.
 */
export async function rollDue(ctx: Ctx): Promise<{ rolled: number }> {
  let rolled = 0;
  let last = { tenant_id: "", feature: "" };
  for (;;) {
    const now = ctx.now().toISOString();
    const due = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string; feature: string }>(
        sql`select tenant_id, feature from gate_due(${now}::timestamptz, ${last.tenant_id}, ${last.feature}, ${PAGE})`,
      ),
    );
    for (const row of due) {
      const tenant = await tenantById(ctx, provenTenantId(row.tenant_id));
      const done = await inTenant({ ...ctx, tenant }, (_tx, inner) => rollMeter(inner, row.feature));
      rolled += done ? 1 : 0;
      last = row;
    }
    if (due.length < PAGE) return { rolled };
  }
}
