import { and, asc, eq, gt, isNull, lte, or, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { lots } from "../ledger/tables";
import { parseInput } from "../parse";
import { type BalanceInput, balanceInput } from "./inputs";

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
