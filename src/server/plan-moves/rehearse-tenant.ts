import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { liveOverrides } from "../plans/live-overrides";
import type { PlanVersion } from "../plans/rules";
import { currentPlan } from "../plans/service";
import type { Interval } from "../stripe/rules";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { hitsUnder, lostFlags, monthlyMinor, newHits, type RehearsalHit } from "./rehearsal-rules";
import { usageUnder } from "./rehearsal-usage";

/** What one workspace would get out of a version, and would have met under it. */
export interface TenantRehearsal {
  workspaceId: string;
  workspace: string;
  from: string;
  /** What put it on the plan: only a subscription counts for MRR. */
  source: "default" | "subscription" | "prepaid" | "operator";
  interval: Interval;
  /** A month, in minor units, before coupons and tax. `after` is null when the version is not sold that way. */
  beforeMinor: bigint;
  afterMinor: bigint | null;
  /** Limits that the last month would have met, and did not meet under its own version. */
  hits: RehearsalHit[];
  /** Flags that would be off. */
  loses: string[];
}

/**
 * Reads one tenant's rows only. null: it is not on another version of this plan any more.
 * @throws AppError INVALID_INPUT for a version in another currency
 */
export async function rehearseTenant(ctx: TenantCtx, to: PlanVersion): Promise<TenantRehearsal | null> {
  return inTenant(ctx, async (_tx, inner) => {
    const plan = await currentPlan(inner);
    const { version: from, source } = plan;
    if (from.planId !== to.planId || from.id === to.id) return null;
    if (from.definition.currency !== to.definition.currency)
      throw new AppError("INVALID_INPUT", `${from.id} is sold in another currency than ${to.id}.`);
    const own = new Map([...(await liveOverrides(inner))].map(([feature, { limit }]) => [feature, limit]));
    const hits = async ({ definition }: PlanVersion) =>
      hitsUnder(definition, own, await usageUnder(inner, definition, plan));
    const paid = await paidBy(inner, source);
    const price = ({ definition }: PlanVersion) =>
      paid ? monthlyMinor(definition.plan, paid.interval, paid.quantity) : 0n;
    return {
      workspaceId: ctx.tenant.id,
      workspace: ctx.tenant.slug,
      from: from.id,
      source,
      interval: paid?.interval ?? plan.interval,
      beforeMinor: price(from) ?? 0n,
      afterMinor: price(to),
      hits: newHits(await hits(from), await hits(to)),
      loses: lostFlags(from.definition, to.definition, own),
    };
  });
}

/** How it pays; null: it does not. */
async function paidBy(
  ctx: TenantCtx,
  source: TenantRehearsal["source"],
): Promise<{ interval: Interval; quantity: number } | null> {
  if (source === "prepaid") return { interval: "month", quantity: 1 };
  return source === "subscription" ? decidingSubscription(await localSubscriptions(ctx)) : null;
}
