import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { ensurePlanVersions, planVersion } from "../plans/service";
import { tenantPlans } from "../plans/tables";
import { followPlan, lockPlan } from "./follow-plan";

export interface EntitleInput {
  planVersionId: string;
  source: "default" | "subscription" | "prepaid" | "operator";
  interval?: "month" | "year";
  /** Where anchored windows count from. Left out: where they count from already, or now. */
  anchorAt?: Date;
  /** The instant it is over. Left out: it lasts. */
  endsAt?: Date;
}

/**
 * Puts a tenant on a plan version and makes its meters follow, at once: see the table in README.md. An override or a
 * block holds on. Convergent: telling it twice, or late, changes nothing. Joins `ctx.tx`.
 * @throws AppError NOT_FOUND for a version that was never sold
 */
export async function entitle(ctx: TenantCtx, input: EntitleInput): Promise<void> {
  const version = await planVersion(ctx, input.planVersionId);
  await inTenant(ctx, async (tx, inner) => {
    const before = await lockPlan(inner);
    const plan = {
      planVersion: version.id,
      source: input.source,
      interval: input.interval ?? before?.interval ?? "month",
      anchorAt: input.anchorAt ?? before?.anchorAt ?? ctx.now(),
      endsAt: input.endsAt ?? null,
      updatedAt: ctx.now(),
    };
    await tx
      .insert(tenantPlans)
      .values({ tenantId: ctx.tenant.id, ...plan })
      .onConflictDoUpdate({ target: tenantPlans.tenantId, set: plan });
    if (before?.planVersion !== version.id) {
      await audit(inner, {
        action: "plan.changed",
        subject: version.id,
        details: { from: before?.planVersion ?? null, source: input.source, ...endOf(plan) },
      });
    }
    await followPlan(inner, plan, "plan changed");
  });
}

const endOf = ({ endsAt }: { endsAt: Date | null }) => (endsAt ? { endsAt: endsAt.toISOString() } : {});

/** The plan of a new tenant, and of one whose subscription or prepaid time ended. */
export async function entitleDefault(ctx: TenantCtx): Promise<void> {
  const versions = await ensurePlanVersions(ctx);
  await entitle(ctx, { planVersionId: versions.get(ctx.prices.defaultPlan)!.id, source: "default" });
}
