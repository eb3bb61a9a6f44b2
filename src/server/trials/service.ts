import { and, eq, gt, isNull } from "drizzle-orm";
import { newId } from "@/lib/ids";
import type { Ctx, TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { grantLot } from "../ledger/grant";
import { countWithinCaps } from "./caps";
import { trialCookie } from "./cookie";
import { daysLater, TRIAL_DAYS } from "./rules";
import { trials } from "./tables";
import type { Visitor } from "./visitor";

export interface TrialStanding {
  /** `offered`: not begun. `over`: it ended, or what was left went to a workspace. */
  state: "offered" | "open" | "over";
  /** Credits given in all, and left. */
  granted: number;
  remaining: number;
  /** null until it begins. */
  endsAt: Date | null;
  /** Whether what is left comes along at sign-up. */
  carriesOver: boolean;
}

/** What a visitor has left, or would be given; null when the price list has no trial. */
export async function trialStanding(ctx: Ctx, visitor: Visitor): Promise<TrialStanding | null> {
  const terms = ctx.prices.credits?.trial;
  const known = await trialOf(ctx, visitor);
  if (known) return standingOf(ctx, known);
  if (!terms) return null;
  const { credits, carryOver } = terms;
  return { state: "offered", granted: credits, remaining: credits, endsAt: null, carriesOver: carryOver };
}

/**
 * Gives a visitor the trial's credits, within the caps of their networks and of the day. Whoever has a trial keeps
 * that one. `cookie` is the `Set-Cookie` line for a new one, else null.
 * @throws AppError NOT_FOUND (the price list has no trial), RATE_LIMITED
 */
export async function startTrial(
  ctx: Ctx,
  visitor: Visitor,
): Promise<{ standing: TrialStanding; cookie: string | null }> {
  const terms = ctx.prices.credits?.trial;
  if (!terms) throw new AppError("NOT_FOUND", "There is no trial on offer.");
  const known = await trialOf(ctx, visitor);
  if (known) return { standing: standingOf(ctx, known), cookie: null };
  const begun = await inTransaction(ctx, async (tx) => {
    await countWithinCaps({ ...ctx, tx }, visitor.networks, terms);
    const now = ctx.now();
    const trial = {
      id: newId("visitor", now),
      granted: terms.credits,
      remaining: terms.credits,
      createdAt: now,
      endsAt: daysLater(now, TRIAL_DAYS),
      carriedOverAt: null,
    };
    await tx.insert(trials).values(trial);
    return trial;
  });
  return { standing: standingOf(ctx, begun), cookie: trialCookie(ctx, begun.id) };
}

/**
 * Turns what a visitor has left into a lot of their new tenant, in the transaction that makes the tenant: once,
 * however many tabs sign up. Does nothing without a trial, or when the price list says that it stays behind.
 * @returns the credits carried over
 */
export async function carryOverTrial(ctx: TenantCtx & { tx: Tx }, visitor: Visitor): Promise<number> {
  if (!visitor.trialId || !ctx.prices.credits?.trial?.carryOver) return 0;
  const now = ctx.now();
  // The race between two sign-ups, and with a spend, is settled by this row: whoever closes it takes what it holds.
  const [closed] = await ctx.tx
    .update(trials)
    .set({ carriedOverAt: now })
    .where(and(eq(trials.id, visitor.trialId), isNull(trials.carriedOverAt), gt(trials.endsAt, now)))
    .returning({ remaining: trials.remaining });
  const amount = closed?.remaining ?? 0;
  if (amount > 0)
    await grantLot(ctx, { unit: "credits", amount, kind: "trial", source: `trial:${visitor.trialId}` });
  return amount;
}

type Trial = typeof trials.$inferSelect;

async function trialOf(ctx: Ctx, { trialId }: Visitor): Promise<Trial | null> {
  if (!trialId) return null;
  const [row] = await (ctx.tx ?? ctx.db.orm).select().from(trials).where(eq(trials.id, trialId));
  return row ?? null;
}

function standingOf(ctx: Ctx, { granted, remaining, endsAt, carriedOverAt }: Trial): TrialStanding {
  const open = carriedOverAt === null && endsAt > ctx.now();
  return {
    state: open ? "open" : "over",
    granted,
    remaining: open ? remaining : 0,
    endsAt,
    carriesOver: ctx.prices.credits?.trial?.carryOver ?? false,
  };
}
