import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { meters } from "../ledger/tables";
import type { PlanVersion } from "../plans/rules";
import { seatsOf, seatsToPay } from "./seat-rules";

/** Units of a level that the tenant holds now. */
async function heldOf(ctx: TenantCtx, feature: string): Promise<number> {
  const [meter] = await inTenant(ctx, (tx) =>
    tx
      .select({ used: meters.used })
      .from(meters)
      .where(and(eq(meters.tenantId, ctx.tenant.id), eq(meters.feature, feature))),
  );
  return meter?.used ?? 0;
}

/** How many seats of a plan this tenant pays for, as many as it holds now; 1 for a plan at a flat price. */
export async function seatsFor(ctx: TenantCtx, { definition }: PlanVersion): Promise<number> {
  const seats = seatsOf(definition.plan);
  return seatsToPay(seats, seats ? await heldOf(ctx, seats.feature) : 0);
}
