import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { meters } from "../ledger/tables";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { type SetSpendCapInput, setSpendCapInput } from "./inputs";

/**
 * The tenant's own ceiling for the overage of one meter: minor units a window, null for none. Holds from the next
 * call on and through plan changes; below what is spent already, it stops further overage and bills what there is.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT (not a meter with overage), NOT_FOUND (not in the tenant's plan)
 */
export async function setSpendCap(ctx: TenantCtx, input: SetSpendCapInput): Promise<void> {
  const { feature, capMinor } = parseInput(setSpendCapInput, input);
  requireKind(ctx, feature, ["meter"]);
  await inTenant(ctx, async (tx, inner) => {
    const ofMeter = and(eq(meters.tenantId, ctx.tenant.id), eq(meters.feature, feature));
    const [meter] = await tx.select().from(meters).where(ofMeter).for("no key update");
    if (!meter) throw new AppError("NOT_FOUND", `"${feature}" is not part of this workspace's plan.`);
    if (meter.overflow !== "overage")
      throw new AppError("INVALID_INPUT", `"${feature}" has no overage that could be capped.`);
    if (meter.spendCapMinor === capMinor) return;
    await tx.update(meters).set({ spendCapMinor: capMinor }).where(ofMeter);
    const details = { feature, fromMinor: meter.spendCapMinor, toMinor: capMinor };
    await audit(inner, { action: "spend_cap.set", subject: feature, details });
  });
}
