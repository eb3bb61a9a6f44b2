import { and, desc, eq, gt, isNull, notLike, or, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { lockTenant } from "../ledger/lock-tenant";
import { debts, lots } from "../ledger/tables";
import { takeBackTo } from "../ledger/take-back";
import { parseInput } from "../parse";
import { followDebt } from "./follow-debt";
import { type CorrectCreditsInput, correctCreditsInput } from "./inputs";

/** Of a lot: what remains, what was taken back or is owed of it so far, and what it granted. */
interface Correctable {
  source: string;
  remaining: number;
  back: number;
  granted: number;
}

/**
 * Takes credits back of one lot, or of the newest grants: first what remains of them, then as a debt what was spent. What
 * an order brought goes back by refunding it, which would undo a correction. Takes all of `credits` or nothing.
 * @throws AppError NOT_FOUND for a lot that is not there, has expired or is of an order, INVALID_INPUT for more than there is
 */
export async function correctCredits(
  ctx: TenantCtx,
  input: CorrectCreditsInput,
): Promise<{ lots: number; owed: number }> {
  const { credits, lotId, reason } = parseInput(correctCreditsInput, input);
  return inTenant(ctx, async (_tx, inner) => {
    await lockTenant(inner);
    const found = await correctable(inner, lotId);
    if (lotId && found.length === 0) throw new AppError("NOT_FOUND", "There is no such lot to correct.");
    const targets = spread(found, credits);
    let owed = 0;
    for (const [source, target] of targets) {
      owed += (await takeBackTo(inner, { source, target, reason })).owed;
    }
    await followDebt(inner);
    return { lots: targets.size, owed };
  });
}

/** Newest first. The tenant's locks are held. */
async function correctable(ctx: TenantCtx & { tx: Tx }, lotId?: string): Promise<Correctable[]> {
  const back = sql<number>`(${lots.takenBack} + coalesce(${debts.amount}, 0))`.mapWith(Number);
  return ctx.tx
    .select({ source: lots.source, remaining: lots.remaining, back, granted: lots.granted })
    .from(lots)
    .leftJoin(debts, and(eq(debts.tenantId, lots.tenantId), eq(debts.lotId, lots.id)))
    .where(
      and(
        eq(lots.tenantId, ctx.tenant.id),
        eq(lots.unit, "credits"),
        notLike(lots.source, "order:%"),
        or(isNull(lots.expiresAt), gt(lots.expiresAt, ctx.now())),
        lotId ? eq(lots.id, lotId) : undefined,
      ),
    )
    .orderBy(desc(lots.id));
}

/** What each source shall have given back in all. */
function spread(found: readonly Correctable[], credits: number): Map<string, number> {
  const targets = new Map<string, number>();
  let left = credits;
  const take = (lot: Correctable, most: number) => {
    const units = Math.min(left, most);
    if (units === 0) return;
    targets.set(lot.source, (targets.get(lot.source) ?? lot.back) + units);
    left -= units;
  };
  for (const lot of found) take(lot, lot.remaining);
  for (const lot of found) take(lot, lot.granted - (targets.get(lot.source) ?? lot.back));
  if (left > 0)
    throw new AppError("INVALID_INPUT", `No more than ${credits - left} credits can be taken back.`);
  return targets;
}
