import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { gateRow } from "../ledger/gate";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { keyConflict, storedKey } from "./consume";
import { type ReleaseInput, releaseInput } from "./inputs";

export interface Released {
  entryId: string;
  replayed: boolean;
  used: number;
  limit: number | null;
  /** Below zero: how many of them had been past the limit. */
  overUnits: number;
}

/**
 * Gives back units of a level: a channel was removed, a seat freed. Once per key; never below zero held.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT (not a level), IDEMPOTENCY_CONFLICT, CONFLICT (fewer are held)
 */
export async function release(ctx: TenantCtx, input: ReleaseInput): Promise<Released> {
  const { feature, units, key } = parseInput(releaseInput, input);
  requireKind(ctx, feature, ["level"]);
  const now = ctx.now();
  const id = newId("entry", now);
  const answer = await inTenant(ctx, (tx) =>
    gateRow(
      tx,
      sql`gate_release(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${feature}, ${units}::bigint, ${storedKey(key)}, ${id}, ${actorName(ctx.actor)}, null)`,
    ),
  );
  const status: string = answer.status;
  if (status === "conflict") throw keyConflict();
  if (status === "not_held" || status === "not_a_level")
    throw new AppError("CONFLICT", `Fewer than ${units} of "${feature}" are held.`);
  return {
    entryId: answer.entryId ?? "",
    replayed: status === "replayed",
    used: answer.used,
    limit: answer.granted,
    overUnits: answer.overUnits,
  };
}
