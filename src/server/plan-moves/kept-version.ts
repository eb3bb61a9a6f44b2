import { and, eq } from "drizzle-orm";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { currentPlan, planVersion } from "../plans/service";
import { keptVersions } from "../subscriptions/plan-move-tables";
import { followPlanMoves } from "./follow-plan-moves";
import { type KeepVersionInput, keepVersionInput } from "./inputs";

type WritingCtx = TenantCtx & { tx: Tx };

/**
 * Lets the tenant keep a version for good, whoever is moved; without one, the version that it is on. What Stripe was
 * told of a move is taken back by cron.
 * @throws AppError NOT_FOUND for a version that was never sold
 */
export async function keepVersion(
  ctx: WritingCtx,
  input: KeepVersionInput,
  reason: string,
): Promise<{ version: string }> {
  const { version = (await currentPlan(ctx)).version.id } = parseInput(keepVersionInput, input);
  await planVersion(ctx, version);
  await ctx.tx
    .insert(keptVersions)
    .values({
      tenantId: ctx.tenant.id,
      planVersion: version,
      reason,
      actor: actorName(ctx.actor),
      createdAt: ctx.now(),
    })
    .onConflictDoNothing();
  await followPlanMoves(ctx);
  return { version };
}

/** Ends that: the next move takes the tenant along. @throws AppError NOT_FOUND when nothing was agreed */
export async function unkeepVersion(ctx: WritingCtx, input: KeepVersionInput): Promise<{ version: string }> {
  const { version = (await currentPlan(ctx)).version.id } = parseInput(keepVersionInput, input);
  const ended = await ctx.tx
    .delete(keptVersions)
    .where(and(eq(keptVersions.tenantId, ctx.tenant.id), eq(keptVersions.planVersion, version)))
    .returning();
  if (ended.length === 0) throw new AppError("NOT_FOUND", `This workspace does not keep ${version}.`);
  await followPlanMoves(ctx);
  return { version };
}
