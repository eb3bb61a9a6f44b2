import { eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { tenantPlans } from "../plans/tables";
import { meters } from "./tables";

/**
 * Locks a tenant's plan, and its meters as the gate locks them, for what moves lots and may block or unblock the tenant
 * after: taken first, both keep the one lock order. Until the transaction ends, the tenant draws nothing.
 */
export async function lockTenant({ tx, tenant }: TenantCtx & { tx: Tx }): Promise<void> {
  await tx
    .select({ at: tenantPlans.updatedAt })
    .from(tenantPlans)
    .where(eq(tenantPlans.tenantId, tenant.id))
    .for("no key update");
  await tx
    .select({ feature: meters.feature })
    .from(meters)
    .where(eq(meters.tenantId, tenant.id))
    .orderBy(meters.feature)
    .for("no key update");
}
