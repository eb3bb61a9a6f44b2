import { newId } from "@/lib/ids";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { outbox } from "../events/tables";
import { estimateMeter } from "./estimate";

/**
 * Tells, once per window, that a meter's allowance will be used up before it resets: `quota.forecast` in the outbox.
 * Judged by the tenant's own pace, so that one busy hour is no alarm. Safe twice and by two runners at once: the
 * fact is unique. Says whether it was told now.
 */
export async function forecast(ctx: TenantCtx, feature: string): Promise<boolean> {
  return inTenant(ctx, async (tx, inner) => {
    const ahead = await estimateMeter(inner, feature);
    if (ahead.allowanceEndsAt === null || ahead.resetsAt === null) return false;
    const { windowStartsAt, resetsAt, allowanceEndsAt, runsOutAt, unitsPerDay } = ahead;
    const told = await tx
      .insert(outbox)
      .values({
        tenantId: ctx.tenant.id,
        id: newId("message", ctx.now()),
        fact: `quota.forecast:window:${feature}:${windowStartsAt.toISOString()}`,
        type: "quota.forecast",
        payload: { feature, unitsPerDay, allowanceEndsAt, runsOutAt, resetsAt, windowStartsAt },
        createdAt: ctx.now(),
      })
      .onConflictDoNothing({ target: [outbox.tenantId, outbox.fact] })
      .returning({ id: outbox.id });
    return told.length === 1;
  });
}
