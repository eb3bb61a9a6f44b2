import { createHash } from "node:crypto";
import { eq } from "drizzle-orm";
import { actorName, type Ctx, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTransaction, setTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { canonicalJson } from "../plans/rules";
import { operatorDeeds } from "./tables";

export type Answer = Record<string, string | number | boolean | null>;

interface Wish {
  action: string;
  input: { key: string; reason: string };
}

/**
 * Does a deed once per key, in one transaction with its row and, in a workspace, its audit row. The same wish again gets the
 * same answer and does nothing; two at once take turns.
 * @throws AppError IDEMPOTENCY_CONFLICT for a key that did something else
 */
export async function deed<C extends Ctx, T extends Answer>(
  ctx: C,
  { action, input }: Wish,
  work: (ctx: C & { tx: Tx }) => Promise<T>,
): Promise<T> {
  const { key, reason } = input;
  const tenant = ctx.tenant?.id ?? null;
  const requestHash = hashOf({ action, tenant, input });
  return inTransaction(ctx, async (tx) => {
    if (tenant) await setTenant(tx, tenant);
    const row = { key, action, reason, requestHash, actor: actorName(ctx.actor), createdAt: ctx.now() };
    const is = eq(operatorDeeds.key, key);
    const claimed = await tx.insert(operatorDeeds).values(row).onConflictDoNothing().returning();
    if (claimed.length === 0) {
      const [known] = await tx.select().from(operatorDeeds).where(is);
      if (known?.requestHash !== requestHash)
        throw new AppError("IDEMPOTENCY_CONFLICT", "This key has done something else.");
      return known.answer as T;
    }
    const inner = { ...ctx, tx };
    const answer = await work(inner);
    await tx.update(operatorDeeds).set({ answer }).where(is);
    if (hasTenant(inner)) await audit(inner, { action, subject: key, details: { reason, key, ...answer } });
    return answer;
  });
}

function hasTenant<C extends Ctx>(ctx: C): ctx is C & TenantCtx {
  return ctx.tenant !== undefined;
}

/** Through JSON first, which makes text of instants. */
function hashOf(wish: Record<string, unknown>): string {
  const plain: unknown = JSON.parse(JSON.stringify(wish));
  return createHash("sha256").update(canonicalJson(plain)).digest("hex");
}
