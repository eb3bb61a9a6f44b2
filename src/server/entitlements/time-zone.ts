import { eq } from "drizzle-orm";
import { tenants } from "../accounts/tables";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { followPlan, lockPlan } from "./follow-plan";
import { type SetTimeZoneInput, setTimeZoneInput } from "./inputs";

/**
 * Moves a tenant to another time zone, and its windows with it: see the table in README.md. A calendar page is given
 * once, whichever zone it begins in.
 * @throws AppError INVALID_INPUT for a name that is not an IANA zone
 */
export async function setTimeZone(ctx: TenantCtx, input: SetTimeZoneInput): Promise<void> {
  const { timeZone } = parseInput(setTimeZoneInput, input);
  await inTenant(ctx, async (tx, inner) => {
    const plan = await lockPlan(inner);
    const ofTenant = eq(tenants.tenantId, ctx.tenant.id);
    const [before] = await tx.select({ timeZone: tenants.timeZone }).from(tenants).where(ofTenant);
    if (before?.timeZone === timeZone) return;
    await tx.update(tenants).set({ timeZone }).where(ofTenant);
    const details = { from: before?.timeZone ?? null, to: timeZone };
    await audit(inner, { action: "tenant.time_zone_changed", subject: ctx.tenant.id, details });
    if (plan) await followPlan(inner, plan, "time zone changed");
  });
}
