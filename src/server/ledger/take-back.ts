import { sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { lockTenant } from "./lock-tenant";

export interface TakeBackInput {
  /** What made the lot: `order:…:1`. */
  source: string;
  /** Units of it that shall be taken back in all, whatever was before: 0 to what it granted. */
  target: number;
  /** Why, for the receipt. */
  reason: string;
}

/** The lot as it is now, in units. */
export interface TakenBack {
  /** Taken from the lot itself. */
  taken: number;
  /** Was spent and is still owed. */
  owed: number;
  /** Had expired unused: nobody owes it. */
  forgiven: number;
}

/**
 * Makes `target` the units of a lot that are taken back: what remains of it, then as a debt what was spent; what expired
 * unused is let be. A smaller target than before gives back: first nothing is owed any more, and what other lots paid
 * goes back to exactly those, then the lot has its units again; an expired lot stays expired. Told again, late or in
 * another order it comes to the same. Whoever calls it calls `credits/follow-debt.ts` after, in the same transaction.
 * @throws AppError NOT_FOUND for a source that made no lot, INVALID_INPUT for a target that is not of the lot
 */
export async function takeBackTo(ctx: TenantCtx, input: TakeBackInput): Promise<TakenBack> {
  if (!Number.isSafeInteger(input.target))
    throw new AppError("INVALID_INPUT", "What is taken back is a whole number of units.");
  return inTenant(ctx, async (tx, inner) => {
    await lockTenant(inner);
    const now = ctx.now();
    const [row] = await tx.execute<Record<"status" | keyof TakenBack, string>>(
      sql`select * from gate_take_back(${now.toISOString()}::timestamptz, ${ctx.tenant.id}, ${input.source}, ${input.target}::bigint,
        ${newId("entry", now)}, ${actorName(ctx.actor)}, ${input.reason})`,
    );
    if (row?.status === "not_found")
      throw new AppError("NOT_FOUND", `Nothing was granted for "${input.source}".`);
    if (row?.status !== "done")
      throw new AppError(
        "INVALID_INPUT",
        "No more can be taken back than was granted, and no less than nothing.",
      );
    return { taken: Number(row.taken), owed: Number(row.owed), forgiven: Number(row.forgiven) };
  });
}
