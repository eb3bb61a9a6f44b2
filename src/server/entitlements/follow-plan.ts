import { asc, eq } from "drizzle-orm";
import { tenants } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { AppError } from "../errors";
import { meters } from "../ledger/tables";
import { liveOverrides } from "../plans/live-overrides";
import type { PlanVersion } from "../plans/rules";
import { planVersion } from "../plans/service";
import { tenantPlans } from "../plans/tables";
import { changeMeter, openMeter } from "./change-meter";
import { followRefill } from "./follow-refill";
import { isMetered, type Meter, type Policy, policyOf, retiredPolicy, type Standing, soldBy } from "./policy";
import { tenantBlocks } from "./tables";

export type WritingCtx = TenantCtx & { tx: Tx };
export type TenantPlan = typeof tenantPlans.$inferSelect;

/**
 * The tenant's plan, locked: whatever changes policies takes this row first and the meters after it, so that a plan
 * change, an override and a block never miss each other. Undefined before the tenant was given one.
 */
export async function lockPlan({ tx, tenant }: WritingCtx): Promise<TenantPlan | undefined> {
  const [row] = await tx
    .select()
    .from(tenantPlans)
    .where(eq(tenantPlans.tenantId, tenant.id))
    .for("no key update");
  return row;
}

/** @throws AppError NOT_FOUND before the tenant was given a plan */
export async function requirePlan(ctx: WritingCtx): Promise<TenantPlan> {
  const plan = await lockPlan(ctx);
  if (!plan) throw new AppError("NOT_FOUND", "This workspace has no plan yet.");
  return plan;
}

/** A tenant's meters, locked in feature order, as the gate locks them. */
export function lockMeters({ tx, tenant }: WritingCtx): Promise<Meter[]> {
  return tx
    .select()
    .from(meters)
    .where(eq(meters.tenantId, tenant.id))
    .orderBy(meters.feature)
    .for("no key update");
}

/** A tenant is blocked as a whole, and told the earliest reason; null: it may consume. */
export async function blockedReasonOf({ tx, tenant }: WritingCtx): Promise<string | null> {
  const [first] = await tx
    .select({ reason: tenantBlocks.reason })
    .from(tenantBlocks)
    .where(eq(tenantBlocks.tenantId, tenant.id))
    .orderBy(asc(tenantBlocks.createdAt), asc(tenantBlocks.reason))
    .limit(1);
  return first?.reason ?? null;
}

/**
 * Makes the tenant's meters, or one feature's, and its refill what its plan version, overrides and blocks say. The caller holds the
 * plan's lock. A feature that keeps no meter has nothing that could follow.
 */
export async function followPlan(
  ctx: WritingCtx,
  plan: Pick<TenantPlan, "planVersion" | "interval" | "anchorAt" | "endsAt">,
  reason: string,
  only?: string,
): Promise<void> {
  const version = await planVersion(ctx, plan.planVersion);
  const known = await lockMeters(ctx);
  const standing: Standing = {
    plan: { interval: plan.interval, anchorAt: plan.anchorAt, endsAt: plan.endsAt },
    timeZone: await timeZoneOf(ctx),
    blockedReason: await blockedReasonOf(ctx),
    overrides: await liveOverrides(ctx),
  };
  const { features } = version.definition;
  const sold = Object.keys(features).filter((id) => isMetered(features[id]!));
  const all = [...known.map((meter) => meter.feature), ...sold, ...standing.overrides.keys()];
  for (const id of [...new Set(all)].sort()) {
    if (only !== undefined && id !== only) continue;
    const meter = known.find((row) => row.feature === id) ?? null;
    const policy = policyFor(ctx, version, id, standing, meter);
    if (!policy) continue;
    if (meter) await changeMeter(ctx, id, policy, reason);
    else await openMeter(ctx, id, policy);
  }
  await followRefill(ctx, version, standing);
}

/** Read anew: a webhook or a slow request may hold the tenant as it was before it moved. */
async function timeZoneOf({ tx, tenant }: WritingCtx): Promise<string> {
  const [row] = await tx
    .select({ timeZone: tenants.timeZone })
    .from(tenants)
    .where(eq(tenants.tenantId, tenant.id));
  return row?.timeZone ?? tenant.timeZone;
}

/** null: the feature keeps no meter. */
function policyFor(
  ctx: TenantCtx,
  version: PlanVersion,
  id: string,
  standing: Standing,
  meter: Meter | null,
): Policy | null {
  const sold = version.definition.features[id];
  if (sold && isMetered(sold)) return policyOf(soldBy(version, id, sold), standing, meter);
  const listed = Object.hasOwn(ctx.prices.features, id) ? ctx.prices.features[id] : undefined;
  // A feature newer than the tenant's plan version: the plan gives nothing of it, an override may.
  if (!sold && listed && isMetered(listed) && standing.overrides.has(id))
    return policyOf(
      { planVersion: version.id, id, feature: listed, limit: 0, caps: undefined },
      standing,
      meter,
    );
  return meter ? retiredPolicy(meter, version.id, standing) : null;
}
