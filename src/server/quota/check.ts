import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { gateOf } from "../ledger/gate";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { effectiveLimit } from "../plans/live-overrides";
import { asking } from "./asking";
import { plain } from "./consume";
import { type CheckInput, checkInput } from "./inputs";
import { rateCosts } from "./rate";
import { aboveCeiling, allowed, type Decision, denied, isAboveCeiling, NOTHING } from "./rules";

/**
 * Would `units` of this feature be allowed now? The same decision as `consume` or `acquireLease`, without the write. For a flag: is
 * it on; for a cap: is an action of `units` small enough.
 * @throws AppError UNKNOWN_FEATURE, BUSY
 */
export async function check(ctx: TenantCtx, input: CheckInput): Promise<Decision> {
  const { confirmed, ...asked } = parseInput(checkInput, input);
  const { kind } = requireKind(ctx, asked.feature, ["flag", "cap", "level", "lease", "meter", "pooled"]);
  if (kind === "flag" || kind === "cap") {
    const { feature, units = 1 } = asked;
    return checkPlan(ctx, { feature, units }, confirmed ?? false);
  }
  const { feature, units, ceiling, planVersion } =
    kind === "pooled" || asked.costs ? await rateCosts(ctx, asked) : plain(asked);
  if (isAboveCeiling(units, ceiling))
    return aboveCeiling(ctx.prices, { feature: asked.feature, units }, ceiling, planVersion);
  const call = {
    tenantId: ctx.tenant.id,
    feature,
    units,
    id: newId("entry", ctx.now()),
    actor: actorName(ctx.actor),
    confirmed: confirmed ?? false,
  };
  const answer = await asking(ctx, () => gateOf(ctx).check(call));
  if (answer.status === "denied") return denied(ctx.prices, { feature, units }, answer);
  return allowed(ctx.prices, { feature, units }, answer);
}

/** Flags and caps hold no balance: the tenant's own limit, or else its plan version's, alone decides. */
async function checkPlan(
  ctx: TenantCtx,
  asked: { feature: string; units: number },
  confirmed: boolean,
): Promise<Decision> {
  const { limit, version } = await effectiveLimit(ctx, asked.feature);
  const missing = limit === null ? 0 : Math.max(asked.units - limit, 0);
  const answer = { ...NOTHING, granted: limit, missing, planVersion: version.id };
  if (missing === 0) return allowed(ctx.prices, asked, { ...answer, status: "consumed" });
  const sold = version.definition.features[asked.feature];
  const onLimit = (sold?.kind === "cap" ? sold.onLimit : undefined) ?? "block";
  if (limit !== 0 && (onLimit === "warn" || (onLimit === "prompt" && confirmed)))
    return allowed(ctx.prices, asked, { ...answer, status: "consumed", missing: 0, overUnits: missing });
  const reason = limit === 0 ? "not_in_plan" : onLimit === "prompt" ? "confirm" : "quota";
  return denied(ctx.prices, asked, { ...answer, status: "denied", reason });
}
