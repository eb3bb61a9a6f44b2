import { and, desc, eq, isNull, lt } from "drizzle-orm";
import { actorName, type Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type CreateCodeInput, createCodeInput } from "./inputs";
import { promoCodes } from "./tables";

export type PromoCode = typeof promoCodes.$inferSelect;
const PAGE = 100;

/** Makes a code. One whose credits expire at an instant ends then. @throws AppError INVALID_INPUT, CONFLICT (the code is taken) */
export async function createCode(ctx: Ctx, input: CreateCodeInput): Promise<PromoCode> {
  const wish = parseInput(createCodeInput, input);
  const now = ctx.now();
  const validFrom = wish.validFrom ?? now;
  const ends = [wish.validUntil, wish.lotExpiresAt].filter((at) => at !== undefined);
  const validUntil = ends.sort((a, b) => a.getTime() - b.getTime())[0] ?? null;
  if (validUntil && (validUntil <= now || validUntil <= validFrom))
    throw new AppError("INVALID_INPUT", "The code would be over before it began.");
  const terms = { ...wish, validFrom, validUntil, madeBy: actorName(ctx.actor), createdAt: now };
  const [made] = await inTransaction(ctx, (tx) =>
    tx.insert(promoCodes).values(terms).onConflictDoNothing().returning(),
  );
  if (!made) throw new AppError("CONFLICT", "There is such a code already.");
  return made;
}

/** From now on nobody redeems it; what was redeemed stays. Twice changes nothing. @throws AppError NOT_FOUND */
export async function endCode(ctx: Ctx, { code }: { code: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const is = eq(promoCodes.code, code.toUpperCase());
    await tx
      .update(promoCodes)
      .set({ endedAt: ctx.now() })
      .where(and(is, isNull(promoCodes.endedAt)));
    const known = await tx.select({ code: promoCodes.code }).from(promoCodes).where(is);
    if (known.length === 0) throw new AppError("NOT_FOUND", "There is no such code.");
  });
}

/** A page of codes in reverse alphabetical order; `before` is the last code of the page before. */
export async function listCodes(ctx: Ctx, { before }: { before?: string }): Promise<PromoCode[]> {
  return inTransaction(ctx, (tx) =>
    tx
      .select()
      .from(promoCodes)
      .where(before ? lt(promoCodes.code, before.toUpperCase()) : undefined)
      .orderBy(desc(promoCodes.code))
      .limit(PAGE),
  );
}
