import { and, asc, desc, eq, gt, isNull, lt, lte, or, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { type GrantInput, grantLot } from "../ledger/grant";
import { entries, lots } from "../ledger/tables";
import { parseInput } from "../parse";
import { type BalanceInput, balanceInput, type HistoryInput, historyInput } from "./inputs";

export interface CreditLot {
  lotId: string;
  kind: string;
  granted: number;
  remaining: number;
  startsAt: Date;
  expiresAt: Date | null;
}

export interface Balance {
  unit: string;
  /** What may be spent this instant: an expired lot counts for nothing, whether or not cron has run. */
  available: number;
  /** In draw order: the first is spent first. */
  lots: CreditLot[];
  nextExpiry: { at: Date; units: number } | null;
}

/** Grants credits (or units of a meter) once per source. See `ledger/grant.ts`. */
export function grantCredits(
  ctx: TenantCtx,
  input: Omit<GrantInput, "unit"> & { unit?: string },
): Promise<{ lotId: string; granted: boolean }> {
  return grantLot(ctx, { unit: "credits", ...input });
}

/** Spendable lots of one unit, in the order in which they will be drawn. */
export async function balance(ctx: TenantCtx, input: BalanceInput = {}): Promise<Balance> {
  const { unit } = parseInput(balanceInput, input);
  const now = ctx.now();
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select()
      .from(lots)
      .where(
        and(
          eq(lots.tenantId, ctx.tenant.id),
          eq(lots.unit, unit),
          isNull(lots.closedAt),
          lte(lots.startsAt, now),
          or(isNull(lots.expiresAt), gt(lots.expiresAt, now)),
        ),
      )
      .orderBy(asc(lots.priority), sql`${lots.expiresAt} asc nulls last`, asc(lots.startsAt), asc(lots.id)),
  );
  const expiring = rows
    .filter((lot) => lot.expiresAt !== null)
    .sort((a, b) => a.expiresAt!.getTime() - b.expiresAt!.getTime())[0];
  return {
    unit,
    available: rows.reduce((sum, lot) => sum + lot.remaining, 0),
    lots: rows.map(({ id, kind, granted, remaining, startsAt, expiresAt }) => ({
      lotId: id,
      kind,
      granted,
      remaining,
      startsAt,
      expiresAt,
    })),
    nextExpiry: expiring ? { at: expiring.expiresAt!, units: expiring.remaining } : null,
  };
}

export interface HistoryPage {
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

/** The tenant's ledger, newest first. Ids sort by time, so the id is the cursor. */
export async function history(ctx: TenantCtx, input: HistoryInput = {}): Promise<HistoryPage> {
  const { cursor, limit, feature } = parseInput(historyInput, input);
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
