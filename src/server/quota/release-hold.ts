import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { parseInput } from "../parse";
import { type HoldInput, holdInput } from "./inputs";
import { type Settled, settle } from "./settled";

/**
 * Gives a hold back whole, to the exact lots it came from. Twice is once; a hold that expired is a replay too.
 * @throws AppError NOT_FOUND, CONFLICT (committed), BUSY
 */
export async function releaseHold(ctx: TenantCtx, input: HoldInput): Promise<Settled> {
  const { holdId } = parseInput(holdInput, input);
  const now = ctx.now();
  return settle(
    ctx,
    sql`gate_release_hold(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${holdId}, ${newId("entry", now)}, ${actorName(ctx.actor)})`,
    "released",
  );
}
