import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import type { PlanVersion } from "../plans/rules";
import type { Standing } from "./policy";

/**
 * Makes the tenant's periodic refill what its plan version says, and the mark below which it is told what the price list
 * says. The very first refill is given at once; a change counts from the next period. The caller holds the meters' locks.
 */
export async function followRefill(
  ctx: TenantCtx & { tx: Tx },
  version: PlanVersion,
  { plan, timeZone }: Standing,
): Promise<void> {
  const at = ctx.now().toISOString();
  const { id } = ctx.tenant;
  const refill = version.definition.plan.refill;
  await ctx.tx.execute(
    sql`select credit_follow_plan(${at}::timestamptz, ${id}, ${refill?.credits ?? null}::bigint, ${refill?.every ?? null}, ${refill?.first ?? null}::bigint,
      ${plan.anchorAt.toISOString()}::timestamptz, ${timeZone}, ${plan.endsAt?.toISOString() ?? null}::timestamptz, ${newId("entry", ctx.now())}, ${actorName(ctx.actor)}),
      credit_tell_below(${at}::timestamptz, ${id}, ${ctx.prices.credits?.lowBalance ?? null}::bigint)`,
  );
}
