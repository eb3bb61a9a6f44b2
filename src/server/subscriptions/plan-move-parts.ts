import { and, eq, isNotNull, or } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { planMoves, planMoveTenants } from "./plan-move-tables";
import type { subscriptions } from "./tables";

export type PartRow = typeof planMoveTenants.$inferSelect;
type SubscriptionRow = typeof subscriptions.$inferSelect;
export type MoveRow = typeof planMoves.$inferSelect;

/** The tenant's parts in moves, with the moves. */
export function partsOf(ctx: TenantCtx): Promise<{ part: PartRow; move: MoveRow }[]> {
  return inTenant(ctx, (tx) =>
    tx
      .select({ part: planMoveTenants, move: planMoves })
      .from(planMoveTenants)
      .innerJoin(planMoves, eq(planMoves.id, planMoveTenants.moveId))
      .where(eq(planMoveTenants.tenantId, ctx.tenant.id))
      .orderBy(planMoveTenants.moveId),
  );
}

/**
 * The version whose limits hold for a tenant that pays for this one: another one when it was moved before its renewal.
 * @param except a move that is left out
 */
export async function versionInForce(ctx: TenantCtx, paid: string, except?: string): Promise<string> {
  const moved = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(planMoveTenants)
      .where(and(eq(planMoveTenants.tenantId, ctx.tenant.id), isNotNull(planMoveTenants.inForceAt))),
  );
  const seen = new Set([paid]);
  for (let version = paid; ; ) {
    const next = moved.find(({ fromVersion, moveId }) => fromVersion === version && moveId !== except);
    if (!next || seen.has(next.toVersion)) return version;
    version = next.toVersion;
    seen.add(version);
  }
}

/** Whether an operator moved the tenant from one version to the other, or back: it is told so by the move. */
export async function isPartOfMove(ctx: TenantCtx, from: string, to: string): Promise<boolean> {
  const pair = (a: string, b: string) =>
    and(eq(planMoveTenants.fromVersion, a), eq(planMoveTenants.toVersion, b));
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ moveId: planMoveTenants.moveId })
      .from(planMoveTenants)
      .where(and(eq(planMoveTenants.tenantId, ctx.tenant.id), or(pair(from, to), pair(to, from))))
      .limit(1),
  );
  return rows.length > 0;
}

/** Whether what a subscription is about to become is an operator's doing, and nothing that its people could undo. */
export async function comesByMove(ctx: TenantCtx, row: SubscriptionRow): Promise<boolean> {
  const { changeKind, changePlanVersion, changeInterval, planVersion, interval } = row;
  if (changeKind !== "scheduled" || !changePlanVersion || !planVersion || changeInterval !== interval)
    return false;
  return isPartOfMove(ctx, planVersion, changePlanVersion);
}
