import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type Ctx } from "../context";
import type { Tx } from "../db/client";

/**
 * Brings a meter up to date: a window that is over is closed and the next opened, an override that is over ends.
 * In a transaction that is narrowed to a tenant, that tenant's only.
 */
export async function rollMeter(
  ctx: Ctx & { tx: Tx },
  meter: { tenantId: string; feature: string },
): Promise<boolean> {
  const now = ctx.now();
  const rows = await ctx.tx.execute<{ rolled: boolean }>(
    sql`select gate_settle_due(${now.toISOString()}::timestamptz, ${meter.tenantId}, ${meter.feature}, ${newId("entry", now)}, ${actorName(ctx.actor)}) as rolled`,
  );
  return rows[0]?.rolled === true;
}
