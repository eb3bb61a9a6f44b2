import { and, eq, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { lockTenant } from "./lock-tenant";
import { entries, lots } from "./tables";

export type LotKind = (typeof lots.$inferSelect)["kind"];

/** Draw order among lots: what would be lost first is spent first; what was paid for, last. */
const PRIORITY: Record<LotKind, number> = {
  rollover: 5,
  replenish: 10,
  trial: 20,
  promo: 30,
  compensation: 40,
  adjustment: 50,
  purchase: 60,
};

export interface GrantInput {
  /** "credits", or a meter's id. */
  unit: string;
  /** Whole units, above 0. */
  amount: number;
  kind: LotKind;
  /** The economic fact (`payment:pi_…`, `order:…`): it grants once, however often it is told. */
  source: string;
  /** When it may first be spent; left out: now. */
  startsAt?: Date;
  expiresAt?: Date | null;
}

export interface Grant {
  lotId: string;
  /** false: this source made its lot before. */
  granted: boolean;
  /** Units of a purchase that paid at once what the tenant owed. */
  repaid: number;
}

/**
 * Makes a lot and its entry, once per source. Telling the same source again changes nothing. A purchase pays the
 * tenant's debts of its unit first (then `credits/follow-debt.ts` says whether the tenant may go on).
 * @throws AppError INVALID_INPUT for an amount that is not a whole number above 0
 */
export async function grantLot(ctx: TenantCtx, input: GrantInput): Promise<Grant> {
  if (!Number.isSafeInteger(input.amount) || input.amount < 1)
    throw new AppError("INVALID_INPUT", "A grant is a whole number of units above 0.");
  return inTenant(ctx, async (tx, inner) => {
    await lockTenant(inner);
    const now = ctx.now();
    const lotId = newId("lot", now);
    const tenantId = ctx.tenant.id;
    const { unit, amount, kind, source } = input;
    const lot = {
      unit,
      kind,
      source,
      granted: amount,
      remaining: amount,
      startsAt: input.startsAt ?? now,
      expiresAt: input.expiresAt ?? null,
      priority: PRIORITY[kind],
      createdAt: now,
    };
    // The race between two tellers of one fact is settled by the unique source.
    const made = await tx
      .insert(lots)
      .values({ tenantId, id: lotId, ...lot })
      .onConflictDoNothing({ target: [lots.tenantId, lots.source] })
      .returning({ id: lots.id });
    if (made.length === 0) {
      const [known] = await tx
        .select({ id: lots.id })
        .from(lots)
        .where(and(eq(lots.tenantId, tenantId), eq(lots.source, source)));
      return { lotId: known!.id, granted: false, repaid: 0 };
    }
    const entryId = newId("entry", now);
    await tx.insert(entries).values({
      tenantId,
      id: entryId,
      idempotencyKey: `grant:${source}`,
      operation: "grant",
      feature: unit,
      units: amount,
      actor: actorName(ctx.actor),
      properties: { lotId, kind },
      createdAt: now,
    });
    const call = { at: now.toISOString(), tenantId, lotId, entryId, actor: actorName(ctx.actor) };
    const repaid = kind === "purchase" ? await repayDebts(tx, call) : 0;
    if (unit === "credits")
      await tx.execute(sql`select credit_watched(${call.at}::timestamptz, ${tenantId}, ${entryId})`);
    return { lotId, granted: true, repaid };
  });
}

async function repayDebts(
  tx: Tx,
  { at, tenantId, lotId, entryId, actor }: Record<"at" | "tenantId" | "lotId" | "entryId" | "actor", string>,
): Promise<number> {
  const [row] = await tx.execute<{ repaid: string }>(
    sql`select gate_repay_debts(${at}::timestamptz, ${tenantId}, ${lotId}, ${entryId}, ${actor}) as repaid`,
  );
  return Number(row?.repaid ?? 0);
}
