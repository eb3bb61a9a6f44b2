import { and, eq, gt, isNotNull, isNull, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { orderLines, orders, prepaidEnds } from "../orders/tables";
import { isMissingAtStripe } from "../stripe/stripe-client";
import { isLive } from "../subscriptions/rules";
import { dropPendingUpdate, releaseSchedule } from "../subscriptions/schedule-change";
import { localSubscriptions } from "../subscriptions/subscription";

/**
 * Tells subscriptions to end at the end of their period, for the days that were paid for to begin there: once for each order,
 * so that whoever resumes it later is not overruled. In the turn, after a look; told twice it does no harm.
 * @returns whether there was one
 */
export async function endMoved(ctx: TenantCtx): Promise<boolean> {
  const due = await dueMoves(ctx);
  for (const { orderId, subscriptionId } of due) {
    await endAtPeriodEnd(ctx, subscriptionId);
    await inTenant(ctx, async (tx, inner) => {
      const done = await tx
        .update(prepaidEnds)
        .set({ doneAt: ctx.now() })
        .where(
          and(
            eq(prepaidEnds.tenantId, ctx.tenant.id),
            eq(prepaidEnds.orderId, orderId),
            isNull(prepaidEnds.doneAt),
          ),
        )
        .returning();
      if (done.length > 0)
        await audit(inner, {
          action: "subscription.ends_for_paid_days",
          subject: subscriptionId,
          details: { order: orderId },
        });
    });
  }
  return due.length > 0;
}

/** Of orders that were paid, and whose days were not all given back since. */
function dueMoves(ctx: TenantCtx): Promise<{ orderId: string; subscriptionId: string }[]> {
  const ofTenant = eq(prepaidEnds.tenantId, ctx.tenant.id);
  return inTenant(ctx, (tx) =>
    tx
      .select({ orderId: prepaidEnds.orderId, subscriptionId: prepaidEnds.subscriptionId })
      .from(prepaidEnds)
      .innerJoin(orders, and(eq(orders.tenantId, prepaidEnds.tenantId), eq(orders.id, prepaidEnds.orderId)))
      .innerJoin(orderLines, and(eq(orderLines.tenantId, orders.tenantId), eq(orderLines.orderId, orders.id)))
      .where(
        and(
          ofTenant,
          isNull(prepaidEnds.doneAt),
          isNotNull(orders.fulfilledAt),
          gt(orderLines.days, sql`${orderLines.daysTakenBack}`),
        ),
      ),
  );
}

async function endAtPeriodEnd(ctx: TenantCtx, subscriptionId: string): Promise<void> {
  const row = (await localSubscriptions(ctx)).find((one) => one.subscriptionId === subscriptionId);
  if (!row || !isLive(row.status) || row.cancelAt) return;
  try {
    const subscription = await ctx.stripe.subscriptions.retrieve(subscriptionId);
    await releaseSchedule(ctx, subscription);
    await dropPendingUpdate(ctx, subscription);
    await ctx.stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: true });
  } catch (error) {
    if (!isMissingAtStripe(error)) throw error;
  }
}
