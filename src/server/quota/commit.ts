import { and, eq, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import type { Breakdown } from "../ledger/breakdown";
import { entries, holds } from "../ledger/tables";
import { parseInput } from "../parse";
import { type CommitInput, commitInput } from "./inputs";
import { rateCosts } from "./rate";
import { type Settled, settle } from "./settled";

/**
 * Settles a hold on what was really used, once. Less: the rest goes back to the exact lots it came from. More: the
 * difference is drawn by the hold's `overflow`; what can't be charged is recorded all the same. A hold that expired
 * meanwhile is settled too: its units are drawn anew. The same commit again is a replay.
 * @throws AppError NOT_FOUND, CONFLICT (released), IDEMPOTENCY_CONFLICT (committed for another amount), INVALID_INPUT, BUSY
 */
export async function commit(ctx: TenantCtx, input: CommitInput): Promise<Settled> {
  const { holdId, ...actual } = parseInput(commitInput, input);
  const { units, breakdown } = await actualOf(ctx, holdId, actual);
  const now = ctx.now();
  return settle(
    ctx,
    sql`gate_commit(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${holdId}, ${units}::bigint, ${newId("entry", now)}, ${actorName(ctx.actor)}, ${breakdown && JSON.stringify(breakdown)}::text::jsonb)`,
    "committed",
  );
}

/** In the meter's units: a hold made with costs is settled in units or in costs. */
async function actualOf(
  ctx: TenantCtx,
  holdId: string,
  { units, costs }: { units?: number; costs?: Record<string, number> },
): Promise<{ units: number; breakdown: Breakdown | null }> {
  if (units !== undefined && !costs) return { units, breakdown: null };
  const [hold] = await inTenant(ctx, (tx) =>
    tx
      .select({ units: holds.units, breakdown: entries.breakdown })
      .from(holds)
      .innerJoin(entries, and(eq(entries.tenantId, holds.tenantId), eq(entries.id, holds.id)))
      .where(and(eq(holds.tenantId, ctx.tenant.id), eq(holds.id, holdId))),
  );
  if (!hold) throw new AppError("NOT_FOUND", "There is no such hold or charge.");
  if (!costs) return { units: hold.units, breakdown: null };
  if (units !== undefined || !hold.breakdown)
    throw new AppError("INVALID_INPUT", "Costs settle a hold that was made with costs, and stand alone.");
  return rateCosts({ ...ctx }, { feature: hold.breakdown.feature, costs });
}
