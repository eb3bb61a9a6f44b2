import { and, asc, eq, gt, isNull, lte, or, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { debts, lots } from "../ledger/tables";
import { parseInput } from "../parse";
import { type BalanceInput, balanceInput } from "./inputs";
import { nextExpiry } from "./rules";
import { settleCredits } from "./settle-credits";
import { creditAccounts, replenishments } from "./tables";

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
  /** All that expires at the next instant at which something does. */
  nextExpiry: { at: Date; units: number } | null;
  /** What the next period gives; what is left of this one's is lost then. null: the plan refills nothing. */
  nextRefill: { at: Date; units: number; every: "day" | "week" | "month" } | null;
  /** Spent, and then taken back: the next purchase pays it first. null: nothing is owed. */
  debt: { owed: number; since: Date } | null;
  /** Less is left than the mark that the tenant is told of, and since when; null: enough, or no mark. */
  low: { below: number; since: Date } | null;
}

/**
 * Spendable lots of one unit, in the order in which they will be drawn, and what comes and goes next. Settles first: a due
 * refill is made and what expired is written off, so reading it twice says the same.
 * @throws AppError INVALID_INPUT
 */
export async function balance(ctx: TenantCtx, input: BalanceInput = {}): Promise<Balance> {
  const { unit } = parseInput(balanceInput, input);
  return inTenant(ctx, async (tx, inner) => {
    await settleCredits(inner);
    const rows = await spendableLots(tx, ctx, unit);
    return {
      unit,
      available: rows.reduce((sum, lot) => sum + lot.remaining, 0),
      lots: rows,
      nextExpiry: nextExpiry(rows),
      nextRefill: await nextRefill(tx, ctx, unit),
      debt: await openDebt(tx, ctx, unit),
      low: unit === "credits" ? await lowNotice(tx, ctx) : null,
    };
  });
}

async function spendableLots(tx: Tx, ctx: TenantCtx, unit: string): Promise<CreditLot[]> {
  const now = ctx.now();
  return tx
    .select({
      lotId: lots.id,
      kind: lots.kind,
      granted: lots.granted,
      remaining: lots.remaining,
      startsAt: lots.startsAt,
      expiresAt: lots.expiresAt,
    })
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
    .orderBy(asc(lots.priority), sql`${lots.expiresAt} asc nulls last`, asc(lots.startsAt), asc(lots.id));
}

async function nextRefill(tx: Tx, ctx: TenantCtx, unit: string): Promise<Balance["nextRefill"]> {
  const [row] = await tx
    .select()
    .from(replenishments)
    .where(and(eq(replenishments.tenantId, ctx.tenant.id), eq(replenishments.unit, unit)));
  return row && row.units !== null ? { at: row.periodEndsAt, units: row.units, every: row.every } : null;
}

async function openDebt(tx: Tx, ctx: TenantCtx, unit: string): Promise<Balance["debt"]> {
  const rows = await tx
    .select({ owed: debts.outstanding, since: debts.createdAt })
    .from(debts)
    .where(and(eq(debts.tenantId, ctx.tenant.id), eq(debts.unit, unit), gt(debts.outstanding, 0)))
    .orderBy(asc(debts.createdAt));
  return rows[0] ? { owed: rows.reduce((sum, { owed }) => sum + owed, 0), since: rows[0].since } : null;
}

async function lowNotice(tx: Tx, ctx: TenantCtx): Promise<Balance["low"]> {
  const [row] = await tx.select().from(creditAccounts).where(eq(creditAccounts.tenantId, ctx.tenant.id));
  return row?.lowAt != null && row.lowToldAt !== null ? { below: row.lowAt, since: row.lowToldAt } : null;
}
