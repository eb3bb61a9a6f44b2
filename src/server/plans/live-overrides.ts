import { and, eq, gt, isNull, or } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { limitUnits, type PlanVersion } from "./rules";
import { currentPlan } from "./service";
import { overrides } from "./tables";

export interface LiveOverride {
  id: string;
  feature: string;
  /** Units, or for a flag 0 or 1; null: unlimited. */
  limit: number | null;
  reason: string;
  expiresAt: Date | null;
}

/**
 * The overrides that hold now, by feature. One past its `expiresAt` holds no longer, whether or not its row was
 * closed: that is why no job has to close it.
 */
export async function liveOverrides(ctx: TenantCtx): Promise<ReadonlyMap<string, LiveOverride>> {
  const { id, feature, limit, reason, expiresAt } = overrides;
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ id, feature, limit, reason, expiresAt })
      .from(overrides)
      .where(
        and(
          eq(overrides.tenantId, ctx.tenant.id),
          isNull(overrides.endedAt),
          or(isNull(overrides.expiresAt), gt(overrides.expiresAt, ctx.now())),
        ),
      ),
  );
  return new Map(rows.map((row) => [row.feature, row]));
}

export interface EffectiveLimit {
  /** Units, or for a flag 0 or 1; null: unlimited. */
  limit: number | null;
  version: PlanVersion;
  override: LiveOverride | null;
}

/** What the tenant may of a feature without a balance (flag, cap, pooled): its own limit, or the plan version's. */
export function effectiveLimit(ctx: TenantCtx, feature: string): Promise<EffectiveLimit> {
  return inTenant(ctx, async (_tx, inner) => {
    const { version } = await currentPlan(inner);
    const override = (await liveOverrides(inner)).get(feature) ?? null;
    const limit = override ? override.limit : limitUnits(version.definition.plan.limits[feature]);
    return { limit, version, override };
  });
}
