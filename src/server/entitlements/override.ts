import { and, eq, isNull } from "drizzle-orm";
import { newId } from "@/lib/ids";
import type { Feature, Limit } from "@/lib/price-list";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { limitUnits } from "../plans/rules";
import { overrides } from "../plans/tables";
import { followPlan, requirePlan, type WritingCtx } from "./follow-plan";
import { type EndOverrideInput, endOverrideInput, type SetOverrideInput, setOverrideInput } from "./inputs";

const ANY_KIND: readonly Feature["kind"][] = ["flag", "cap", "level", "lease", "meter", "pooled"];

/**
 * Gives one tenant a limit of its own, at once and through every plan change, until it expires (that very instant,
 * without cron) or is ended. Takes the place of one that held before. For operators: the caller checks who may.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT (a limit of the wrong kind, an end that has passed), NOT_FOUND (no plan yet)
 */
export async function setOverride(
  ctx: TenantCtx,
  input: SetOverrideInput,
): Promise<{ overrideId: string; limit: number | null; expiresAt: Date | null }> {
  const { feature, limit, reason, expiresAt = null } = parseInput(setOverrideInput, input);
  const units = unitsOf(requireKind(ctx, feature, ANY_KIND), limit);
  const now = ctx.now();
  if (expiresAt && expiresAt <= now)
    throw new AppError("INVALID_INPUT", "An override must expire in the future.");
  return inTenant(ctx, async (tx, inner) => {
    const plan = await requirePlan(inner);
    await closeOverride(inner, feature);
    const overrideId = newId("override", now);
    await tx.insert(overrides).values({
      tenantId: ctx.tenant.id,
      id: overrideId,
      feature,
      limit: units,
      reason,
      actor: actorName(ctx.actor),
      createdAt: now,
      expiresAt,
    });
    const details = { feature, limit, reason, expiresAt: expiresAt?.toISOString() ?? null };
    await audit(inner, { action: "override.set", subject: overrideId, details });
    await followPlan(inner, plan, "override set", feature);
    return { overrideId, limit: units, expiresAt };
  });
}

/**
 * Ends the tenant's own limit of a feature: the plan's holds again at once.
 * @throws AppError UNKNOWN_FEATURE, NOT_FOUND when none holds
 */
export async function endOverride(ctx: TenantCtx, input: EndOverrideInput): Promise<{ overrideId: string }> {
  const { feature, reason } = parseInput(endOverrideInput, input);
  requireKind(ctx, feature, ANY_KIND);
  return inTenant(ctx, async (_tx, inner) => {
    const plan = await requirePlan(inner);
    const ended = await closeOverride(inner, feature);
    if (!ended || (ended.expiresAt && ended.expiresAt <= ctx.now()))
      throw new AppError("NOT_FOUND", `No override of "${feature}" holds for this workspace.`);
    await audit(inner, { action: "override.ended", subject: ended.id, details: { feature, reason } });
    await followPlan(inner, plan, "override ended", feature);
    return { overrideId: ended.id };
  });
}

/** One that ran out closes at the instant it did; the race for the one live override was settled by the plan's lock. */
async function closeOverride(ctx: WritingCtx, feature: string) {
  const now = ctx.now();
  const ofFeature = and(
    eq(overrides.tenantId, ctx.tenant.id),
    eq(overrides.feature, feature),
    isNull(overrides.endedAt),
  );
  const [open] = await ctx.tx.select().from(overrides).where(ofFeature);
  if (!open) return null;
  const ranOut = open.expiresAt !== null && open.expiresAt <= now;
  await ctx.tx
    .update(overrides)
    .set(
      ranOut
        ? { endedAt: open.expiresAt, endedBy: "expiry" }
        : { endedAt: now, endedBy: actorName(ctx.actor) },
    )
    .where(ofFeature);
  return open;
}

function unitsOf(feature: Feature, limit: Limit): number | null {
  if ((feature.kind === "flag") !== (typeof limit === "boolean"))
    throw new AppError(
      "INVALID_INPUT",
      feature.kind === "flag"
        ? "A flag is overridden by true or false."
        : `A ${feature.kind} is overridden by a whole number of 0 or more, or "unlimited".`,
    );
  return limitUnits(limit);
}
