import { sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";

export interface Breach {
  invariant: string;
  tenantId: string;
  subject: string;
  detail: string;
}

/** Every breach of the invariants, over all tenants: each slice that keeps books has a `<slice>_books()` in SQL. */
export async function verifyBooks(ctx: Ctx): Promise<Breach[]> {
  return inTransaction(ctx, async (tx) => {
    const functions = await tx.execute<{ name: string }>(
      sql`select proname as name from pg_proc where pronamespace = 'public'::regnamespace and proname like '%\\_books' order by 1`,
    );
    const found: Breach[] = [];
    for (const { name } of functions) {
      const rows = await tx.execute<{
        invariant: string;
        tenant_id: string;
        subject: string;
        detail: string;
      }>(sql`select * from ${sql.identifier(name)}(${ctx.now().toISOString()}::timestamptz)`);
      found.push(
        ...rows.map((row) => ({
          invariant: row.invariant,
          tenantId: row.tenant_id,
          subject: row.subject,
          detail: row.detail,
        })),
      );
    }
    return found;
  });
}
