import { and, eq, gte, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import { tenants } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { entries, lots } from "../ledger/tables";

/**
 * What an entry moved of one unit's lots: above 0 came in, below 0 went out. Summed over all entries it is what the lots
 * have left, which is what makes a running balance out of a sum.
 */
export function movementOf(unit: string): SQL<number> {
  // A window's own allowance is granted and forfeited on its meter, not as a lot.
  const movement =
    unit === "credits"
      ? sql`case when ${entries.operation} = 'grant' and ${entries.feature} = 'credits' then ${entries.units} else -${entries.credits} end`
      : sql`case when ${entries.operation} = 'grant' then case when ${entries.idempotencyKey} like 'grant:%' then ${entries.units} else 0 end
          when ${entries.operation} = 'forfeit' and ${entries.lotIds} is null then 0 else -${entries.lotUnits} end`;
  return sql<number>`(${movement})`.mapWith(Number);
}

/**
 * Entries of live months that moved lots of the unit. What was archived counts as one opening balance: the sums that were
 * brought forward and what was kept of those months stand for it, and are left out.
 */
export function movedEntries(ctx: TenantCtx, unit: string, from: string | SQL): SQL | undefined {
  return and(
    eq(entries.tenantId, ctx.tenant.id),
    gte(entries.id, from),
    ne(entries.operation, "brought_forward"),
    unit === "credits" ? or(eq(entries.feature, unit), ne(entries.credits, 0)) : eq(entries.feature, unit),
    // Taking back what was spent moves no lot: it is owed, and worth a row.
    or(sql`${movementOf(unit)} <> 0`, eq(entries.operation, "revoke")),
  );
}

/** What all lots of a unit have left, as a part of a larger statement: it then sees the same instant as the entries do. */
export function leftInLots(ctx: TenantCtx, unit: string): SQL<number> {
  return sql<number>`(select coalesce(sum(${lots.remaining}), 0) from ${lots} where ${and(
    eq(lots.tenantId, ctx.tenant.id),
    eq(lots.unit, unit),
    isNull(lots.closedAt),
  )})`.mapWith(Number);
}

/**
 * Where a tenant's live history begins: an id, "" for the very beginning, and the instant; see history.sql. Of who came after
 * the months that were archived, nothing is missing.
 */
export async function historyBegins(tx: Tx, ctx: TenantCtx): Promise<{ id: string; at: Date | null }> {
  const [row] = await tx.execute<{ bound: string; ms: string }>(
    sql`select bound, extract(epoch from at) * 1000 as ms from credits_history_begins()
        where at > (select ${tenants.createdAt} from ${tenants} where ${eq(tenants.tenantId, ctx.tenant.id)})`,
  );
  return row ? { id: row.bound, at: new Date(Number(row.ms)) } : { id: "", at: null };
}
