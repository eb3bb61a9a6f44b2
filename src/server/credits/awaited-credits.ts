import { and, desc, eq, isNull, lt } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { actorName, type Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type AwaitCreditsInput, awaitCreditsInput } from "./inputs";
import { awaitedCredits } from "./tables";

export type AwaitedCredits = typeof awaitedCredits.$inferSelect;
const PAGE = 100;

/**
 * Keeps credits for whoever proves that the e-mail is theirs; `claim-awaited.ts` hands them over.
 * @throws AppError INVALID_INPUT
 */
export async function awaitCredits(ctx: Ctx, input: AwaitCreditsInput): Promise<AwaitedCredits> {
  const wish = parseInput(awaitCreditsInput, input);
  const now = ctx.now();
  if (wish.expiresAt && wish.expiresAt <= now)
    throw new AppError("INVALID_INPUT", "They would be gone before anybody could claim them.");
  const row = { ...wish, id: newId("awaitedCredits", now), madeBy: actorName(ctx.actor), createdAt: now };
  const [made] = await inTransaction(ctx, (tx) => tx.insert(awaitedCredits).values(row).returning());
  return made!;
}

/** Nobody gets them any more. Twice changes nothing. @throws AppError NOT_FOUND, CONFLICT when they were claimed */
export async function withdrawAwaited(ctx: Ctx, { id }: { id: string }): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    // The race with a claim is settled by this row: whoever closes it first was first.
    await tx
      .update(awaitedCredits)
      .set({ withdrawnAt: ctx.now() })
      .where(
        and(eq(awaitedCredits.id, id), isNull(awaitedCredits.claimedAt), isNull(awaitedCredits.withdrawnAt)),
      );
    const [known] = await tx.select().from(awaitedCredits).where(eq(awaitedCredits.id, id));
    if (!known) throw new AppError("NOT_FOUND", "No such credits are waiting.");
    if (known.claimedAt) throw new AppError("CONFLICT", "These credits were claimed.");
  });
}

/** Newest first; `before` is the last id of the page before. */
export async function listAwaited(ctx: Ctx, { before }: { before?: string }): Promise<AwaitedCredits[]> {
  return inTransaction(ctx, (tx) =>
    tx
      .select()
      .from(awaitedCredits)
      .where(before ? lt(awaitedCredits.id, before) : undefined)
      .orderBy(desc(awaitedCredits.id))
      .limit(PAGE),
  );
}
