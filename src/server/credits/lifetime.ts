import { and, eq, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { lots } from "../ledger/tables";
import { parseInput } from "../parse";
import { type BalanceInput, balanceInput } from "./inputs";
import { settleCredits } from "./settle-credits";

export interface Lifetime {
  unit: string;
  granted: number;
  /** By kind of lot, of what was granted. */
  byKind: { kind: string; units: number }[];
  /** What was used, less what was given back. */
  consumed: number;
  /** Left over when a lot's time was over. */
  expired: number;
  takenBack: number;
  /** What paid off a debt. */
  repaid: number;
  /** granted − consumed − expired − takenBack − repaid, to the unit. */
  remaining: number;
}

/**
 * Everything that ever came and went of a unit. Told from the lots, so archived entries count too. Settles first, like
 * `balance`.
 * @throws AppError INVALID_INPUT
 */
export async function lifetime(ctx: TenantCtx, input: BalanceInput = {}): Promise<Lifetime> {
  const { unit } = parseInput(balanceInput, input);
  const rows = await inTenant(ctx, async (tx, inner) => {
    await settleCredits(inner);
    return tx
      .select({
        kind: lots.kind,
        granted: sql<number>`sum(${lots.granted})`.mapWith(Number),
        remaining: sql<number>`sum(${lots.remaining})`.mapWith(Number),
        expired: sql<number>`sum(${lots.writtenOff})`.mapWith(Number),
        takenBack: sql<number>`sum(${lots.takenBack})`.mapWith(Number),
        repaid: sql<number>`sum(${lots.repaid})`.mapWith(Number),
      })
      .from(lots)
      .where(and(eq(lots.tenantId, ctx.tenant.id), eq(lots.unit, unit)))
      .groupBy(lots.kind)
      .orderBy(lots.kind);
  });
  const sum = (figure: Exclude<keyof (typeof rows)[number], "kind">) =>
    rows.reduce((all, row) => all + row[figure], 0);
  const [granted, remaining, expired, takenBack, repaid] = [
    sum("granted"),
    sum("remaining"),
    sum("expired"),
    sum("takenBack"),
    sum("repaid"),
  ];
  return {
    unit,
    granted,
    byKind: rows.map((row) => ({ kind: row.kind, units: row.granted })),
    consumed: granted - remaining - expired - takenBack - repaid,
    expired,
    takenBack,
    repaid,
    remaining,
  };
}
