import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { gateRow } from "../ledger/gate";
import { rollMeter } from "../ledger/roll-meter";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { countedInput, type RecountInput, recountInput } from "./inputs";

export interface Recounted {
  /** The entry with the difference; null: the count was right, and nothing was written. */
  entryId: string | null;
  /** What was counted, less what was held until now. */
  difference: number;
  /** Held within the limit, and past it. */
  used: number;
  over: number;
  limit: number | null;
}

/**
 * Sets a level to what `count` finds, which runs under the meter's lock, in the same transaction: as long as the
 * product takes and gives back places in the transactions that make and remove its rows, no call in flight is counted
 * twice or missed. `count` may run again after a deadlock; keep it to one query, since calls on the level wait for it.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT (not a level, or not a whole number of 0 or more), NOT_FOUND, BUSY
 */
export async function recount(
  ctx: TenantCtx,
  { count, ...input }: RecountInput & { count: (tx: Tx) => Promise<number> },
): Promise<Recounted> {
  const { feature, reason } = parseInput(recountInput, input);
  requireKind(ctx, feature, ["level"]);
  return inTenant(ctx, async (tx, inner) => {
    await rollMeter(inner, { tenantId: ctx.tenant.id, feature });
    const counted = parseInput(countedInput, await count(tx));
    const now = ctx.now();
    const answer = await gateRow(
      tx,
      sql`gate_recount(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${feature}, ${counted}::bigint, ${newId("entry", now)}, ${actorName(ctx.actor)}, ${reason})`,
    );
    const status: string = answer.status;
    if (status === "not_a_level")
      throw new AppError("NOT_FOUND", `"${feature}" is not kept for this workspace.`);
    return {
      entryId: answer.entryId,
      difference: answer.allowanceUnits + answer.overUnits,
      used: answer.used,
      over: counted - answer.used,
      limit: answer.granted,
    };
  });
}
