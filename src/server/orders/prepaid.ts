import { and, eq, isNotNull } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { entitle, entitleDefault } from "../entitlements/entitle";
import { lockPlan } from "../entitlements/follow-plan";
import { planVersion } from "../plans/service";
import { versionInForce } from "../subscriptions/plan-move-parts";
import { spanAt, spansOf, waits } from "../subscriptions/prepaid-time-rules";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { fallsAt, isRunning, type PrepaidLine, type PrepaidStanding, prepaidStanding } from "./prepaid-rules";
import { orderLines, orders } from "./tables";

/** What the tenant's prepaid orders come to: the plan that holds, until when, and what each order compensates. */
export async function prepaidOf(ctx: TenantCtx): Promise<PrepaidStanding> {
  return prepaidStanding(await prepaidLines(ctx), spansOf(await localSubscriptions(ctx)));
}

/** The tenant's fulfilled plan lines, less the days whose money went back. */
export async function prepaidLines(ctx: TenantCtx): Promise<PrepaidLine[]> {
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ line: orderLines, fulfilledAt: orders.fulfilledAt })
      .from(orderLines)
      .innerJoin(orders, and(eq(orders.tenantId, orderLines.tenantId), eq(orders.id, orderLines.orderId)))
      .where(
        and(
          eq(orderLines.tenantId, ctx.tenant.id),
          isNotNull(orders.fulfilledAt),
          isNotNull(orderLines.days),
        ),
      ),
  );
  return Promise.all(
    rows.map(async ({ line, fulfilledAt }) => {
      const { definition, planId } = await planVersion(ctx, line.planVersion!);
      const { price } = definition.plan;
      if (price.kind !== "prepaid") throw new Error(`${line.planVersion} is not sold for days.`);
      const { orderId, line: at, daysTakenBack } = line;
      const days = line.days! - daysTakenBack;
      return {
        orderId,
        line: at,
        planId,
        planVersion: line.planVersion!,
        price,
        days,
        fulfilledAt: fulfilledAt!,
      };
    }),
  );
}

/**
 * Puts the tenant on the plan that its prepaid orders come to now. Convergent: told late or twice, or after money went
 * back, it changes nothing more. A subscription that runs goes before, and so does a choice that an operator made
 * since the last purchase.
 */
export async function followPrepaid(ctx: TenantCtx & { tx: Tx }): Promise<void> {
  const before = await lockPlan(ctx);
  const lines = await prepaidLines(ctx);
  if (!before || lines.length === 0) return;
  const now = ctx.now();
  const subscriptions = await localSubscriptions(ctx);
  if (decidingSubscription(subscriptions.filter((row) => !waits(row, now)))) return;
  const lastBoughtMs = Math.max(...lines.map((line) => line.fulfilledAt.getTime()));
  if (before.source === "operator" && before.updatedAt.getTime() > lastBoughtMs) return;
  const spans = spansOf(subscriptions);
  const { term } = prepaidStanding(lines, spans);
  if (isRunning(term, now) && !spanAt(spans, now)) {
    const endsAt = fallsAt(term, spans, now);
    await entitle(ctx, {
      planVersionId: await versionInForce(ctx, term.planVersion),
      source: "prepaid",
      ...(endsAt ? { endsAt } : {}),
    });
  } else if (before.source === "prepaid") await entitleDefault(ctx);
}
