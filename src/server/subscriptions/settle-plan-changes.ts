import { and, eq, inArray } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { localSubscriptions, type SubscriptionRow } from "./subscription";
import { planChanges } from "./tables";

type PlanChangeRow = typeof planChanges.$inferSelect;

/** Writes down what became of changes whose end we didn't see: a payment that came later, or an answer that got lost. */
export async function settlePlanChanges(ctx: TenantCtx & { tx: Tx }): Promise<void> {
  const ofTenant = eq(planChanges.tenantId, ctx.tenant.id);
  const waiting = await ctx.tx
    .select()
    .from(planChanges)
    .where(and(ofTenant, inArray(planChanges.status, ["asked", "payment_needed"])));
  if (waiting.length === 0) return;
  const rows = await localSubscriptions(ctx);
  for (const change of waiting) {
    const row = rows.find(({ subscriptionId }) => subscriptionId === change.subscriptionId);
    const status = statusOf(change, row);
    if (status === change.status) continue;
    await ctx.tx
      .update(planChanges)
      .set({ status, finishedAt: ctx.now() })
      .where(and(ofTenant, eq(planChanges.id, change.id)));
  }
}

function statusOf(change: PlanChangeRow, row: SubscriptionRow | undefined): PlanChangeRow["status"] {
  if (row?.planVersion === change.toVersion && row.interval === change.interval) return "changed";
  const isComing = row?.changePlanVersion === change.toVersion && row.changeInterval === change.interval;
  if (isComing && row?.changeKind) return row.changeKind;
  return change.status === "asked" ? "asked" : "failed";
}
