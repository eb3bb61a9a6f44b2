import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { meters } from "../ledger/tables";
import type { PlanVersion } from "../plans/rules";
import { planVersion } from "../plans/service";
import { isSubscription, type Purchase } from "./purchase";
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

/** The purchase with as many seats of its plan as this tenant holds, when that is paid by the seat. */
export async function withSeats(ctx: TenantCtx, purchase: Purchase): Promise<Purchase> {
  const plan = purchase.lines.find(isSubscription);
  if (!plan?.planVersion) return purchase;
  const version = await planVersion(ctx, plan.planVersion);
  if (!seatsOf(version.definition.plan)) return purchase;
  const quantity = await seatsFor(ctx, version);
  const name = `${plan.name}, ${quantity} ${quantity === 1 ? "seat" : "seats"}`;
  const sold = { ...plan, name, quantity, amountMinor: plan.amountMinor * BigInt(quantity) };
  return {
    ...purchase,
    item: `${purchase.item}*${quantity}`,
    lines: purchase.lines.map((line) => (line === plan ? sold : line)),
  };
}
