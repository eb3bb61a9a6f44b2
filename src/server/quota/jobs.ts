import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type Ctx } from "../context";
import type { Tx } from "../db/client";
import { inTransaction } from "../db/transaction";

const PAGE = 500;

/** Opens a meter's new window if the old one is over. In a transaction that is narrowed to a tenant, that tenant's only. */
export async function rollMeter(
  ctx: Ctx & { tx: Tx },
  meter: { tenantId: string; feature: string },
): Promise<boolean> {
  const now = ctx.now();
  const rows = await ctx.tx.execute<{ rolled: boolean }>(
    sql`select gate_roll_due(${now.toISOString()}::timestamptz, ${meter.tenantId}, ${meter.feature}, ${newId("entry", now)}, ${actorName(ctx.actor)}) as rolled`,
  );
  return rows[0]?.rolled === true;
}

/**
 * Cron `reset`: opens the new window of every meter whose window is over. The gate does the same on the next call,
 * so this is housekeeping: safe late, twice, by two runners at once, or never.
 */
export async function rollDue(ctx: Ctx): Promise<{ rolled: number }> {
  let rolled = 0;
  let after = { tenantId: "", feature: "" };
  for (;;) {
    const due = await dueMeters(ctx, after);
    for (const meter of due) {
      const done = await inTransaction(ctx, (tx) => rollMeter({ ...ctx, tx }, meter));
      rolled += done ? 1 : 0;
      after = meter;
    }
    if (due.length < PAGE) return { rolled };
  }
}

async function dueMeters(
  ctx: Ctx,
  after: { tenantId: string; feature: string },
): Promise<{ tenantId: string; feature: string }[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string; feature: string }>(
      sql`select tenant_id, feature from gate_due(${ctx.now().toISOString()}::timestamptz, ${after.tenantId}, ${after.feature}, ${PAGE})`,
    ),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, feature: row.feature }));
}
