import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { entitleDefault } from "./entitle";
import { lockPlan } from "./follow-plan";

/**
 * Lets a plan whose end has come be over: the tenant falls to the default, and what only that plan gave goes with it.
 * Once, however many notice; a plan that lasts, or was paid for longer meanwhile, stays. Joins `ctx.tx`.
 */
export async function endPlan(ctx: TenantCtx): Promise<boolean> {
  return inTenant(ctx, async (_tx, inner) => {
    const plan = await lockPlan(inner);
    if (!plan?.endsAt || ctx.now() < plan.endsAt) return false;
    await entitleDefault(inner);
    return true;
  });
}
