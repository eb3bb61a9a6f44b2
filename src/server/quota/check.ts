import { type Limit, limitSize } from "@/lib/price-list";
import type { TenantCtx } from "../context";
import { gateOf } from "../ledger/gate";
import { parseInput } from "../parse";
import { limitUnits } from "../plans/rules";
import { currentPlan } from "../plans/service";
import { requireKind } from "./consume";
import { type CheckInput, checkInput } from "./inputs";
import { allowed, type Decision, denied } from "./rules";

/**
 * Would `units` of this feature be allowed now? The same decision as `consume`, without the write. For a flag: is
 * it on; for a cap: is an action of `units` small enough.
 * @throws AppError UNKNOWN_FEATURE, BUSY
 */
export async function check(ctx: TenantCtx, input: CheckInput): Promise<Decision> {
  const asked = parseInput(checkInput, input);
  const { kind } = requireKind(ctx, asked.feature, ["flag", "cap", "level", "meter"]);
  if (kind === "flag" || kind === "cap") return checkPlan(ctx, asked);
  const answer = await gateOf(ctx).check({ tenantId: ctx.tenant.id, ...asked });
  return answer.status === "denied" ? denied(ctx.prices, asked, answer) : allowed(asked, answer);
}

/** Flags and caps hold no balance: the plan version's limit alone decides. */
async function checkPlan(ctx: TenantCtx, asked: { feature: string; units: number }): Promise<Decision> {
  const { version } = await currentPlan(ctx);
  const limit: Limit | undefined = version.definition.plan.limits[asked.feature];
  const answer = {
    used: 0,
    granted: limitUnits(limit),
    missing: Math.max(asked.units - limitSize(limit), 0),
    startsAtMs: null,
    endsAtMs: null,
    allowanceUnits: 0,
    lotUnits: 0,
    credits: 0,
    crossed: null,
    planVersion: version.id,
    entryId: null,
    lots: [],
  };
  if (answer.missing === 0) return allowed(asked, { ...answer, status: "consumed", reason: null });
  const reason = limitSize(limit) === 0 ? "not_in_plan" : "quota";
  return denied(ctx.prices, asked, { ...answer, status: "denied", reason });
}
