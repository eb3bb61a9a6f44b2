import { sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { GATE_ROW, type GateAnswer, type GateCall, toAnswer } from "./answer";

/**
 * What an earlier call with the same key was answered, or a conflict; null when the key is new. A repeated request gets
 * its stored answer also where it would now be refused before it reaches the gate.
 */
export async function storedAnswer(
  ctx: TenantCtx,
  operation: "consume" | "hold",
  call: Pick<GateCall, "feature" | "units" | "key" | "properties" | "breakdown">,
): Promise<GateAnswer | null> {
  const { feature, units, key } = call;
  if (key === null) return null;
  const properties = call.properties && JSON.stringify(call.properties);
  const breakdown = call.breakdown && JSON.stringify(call.breakdown);
  const rows = await inTenant(ctx, (tx) =>
    tx.execute(
      sql`select ${sql.raw(GATE_ROW)} from gate_replay(${ctx.tenant.id}, ${operation}, ${feature}, ${units}::bigint, ${key}, ${properties}, ${breakdown})`,
    ),
  );
  const [row] = rows;
  return row ? toAnswer(Object.values(row)) : null;
}
