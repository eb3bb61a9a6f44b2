import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { requireKind } from "./consume";
import { type ReleaseInput, releaseInput } from "./inputs";

export interface Released {
  entryId: string;
  replayed: boolean;
  used: number;
  limit: number | null;
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
  const rows = await inTenant(ctx, (tx) =>
    tx.execute<{ status: string; entry_id: string; used: string; granted: string | null }>(
      sql`select * from gate_release(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${feature}, ${units}::bigint, ${`key:${key}`}, ${id}, ${actorName(ctx.actor)}, null)`,
    ),
  );
  const row = rows[0]!;
  if (row.status === "conflict")
    throw new AppError("IDEMPOTENCY_CONFLICT", "This idempotency key was used for another request.");
  if (row.status === "not_held" || row.status === "not_a_level")
    throw new AppError("CONFLICT", `Fewer than ${units} of "${feature}" are held.`);
  return {
    entryId: row.entry_id,
    replayed: row.status === "replayed",
    used: Number(row.used),
    limit: row.granted === null ? null : Number(row.granted),
  };
}
