import { and, eq } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
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
  expiresAt?: Date | null;
}

/**
 * Makes a lot and its entry, once per source. Telling the same source again changes nothing.
 * @throws AppError INVALID_INPUT for an amount that is not a whole number above 0
 */
export async function grantLot(
  ctx: TenantCtx,
  input: GrantInput,
): Promise<{ lotId: string; granted: boolean }> {
  if (!Number.isSafeInteger(input.amount) || input.amount < 1)
    throw new AppError("INVALID_INPUT", "A grant is a whole number of units above 0.");
  return inTenant(ctx, async (tx) => {
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
      startsAt: now,
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
      return { lotId: known!.id, granted: false };
    }
    await tx.insert(entries).values({
      tenantId,
      id: newId("entry", now),
      idempotencyKey: `grant:${source}`,
      operation: "grant",
      feature: unit,
      units: amount,
      actor: actorName(ctx.actor),
      properties: { lotId, kind },
      createdAt: now,
    });
    return { lotId, granted: true };
  });
}
