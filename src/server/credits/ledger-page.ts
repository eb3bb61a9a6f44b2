import { and, desc, eq, lt } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { entries } from "../ledger/tables";
import { parseInput } from "../parse";
import { type LedgerPageInput, ledgerPageInput } from "./inputs";

export interface LedgerPage {
  entries: {
    id: string;
    operation: string;
    feature: string;
    units: number;
    allowanceUnits: number;
    /** Of lots of the feature's own unit. */
    lotUnits: number;
    credits: number;
    /** Past the limit, covered by nothing. */
    overUnits: number;
    usedAfter: number | null;
    limit: number | null;
    actor: string;
    createdAt: Date;
  }[];
  /** Give it back as `cursor` for the next page; null at the end. */
  nextCursor: string | null;
}

/** The tenant's whole ledger, every feature, newest first. Ids sort by time, so the id is the cursor. */
export async function ledgerPage(ctx: TenantCtx, input: LedgerPageInput = {}): Promise<LedgerPage> {
  const { cursor, limit, feature } = parseInput(ledgerPageInput, input);
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(entries)
      .where(
        and(
          eq(entries.tenantId, ctx.tenant.id),
          cursor === undefined ? undefined : lt(entries.id, cursor),
          feature === undefined ? undefined : eq(entries.feature, feature),
        ),
      )
      .orderBy(desc(entries.id))
      .limit(limit + 1),
  );
  const page = rows.slice(0, limit);
  return {
    entries: page.map((row) => ({
      id: row.id,
      operation: row.operation,
      feature: row.feature,
      units: row.units,
      allowanceUnits: row.allowanceUnits,
      lotUnits: row.lotUnits,
      credits: row.credits,
      overUnits: row.overUnits,
      usedAfter: row.usedAfter,
      limit: row.grantedAfter,
      actor: row.actor,
      createdAt: row.createdAt,
    })),
    nextCursor: rows.length > limit ? page.at(-1)!.id : null,
  };
}
