import { and, eq, gt, isNull, lt, lte, or, sql } from "drizzle-orm";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { audit } from "../events/service";
import { grantLot } from "../ledger/grant";
import { lockTenant } from "../ledger/lock-tenant";
import { parseInput } from "../parse";
import { type RedeemInput, redeemInput } from "./inputs";
import { daysAfter } from "./rules";
import { codeAttempts, promoCodes, promoRedemptions } from "./tables";

const WINDOW_MINUTES = 60;
const MAX_ATTEMPTS = 10;

export interface Redeemed {
  code: string;
  credits: number;
  kind: "promo" | "trial";
  lotId: string;
  /** When the credits expire; null: never. */
  expiresAt: Date | null;
}

type Code = typeof promoCodes.$inferSelect;

/**
 * Turns a code into a lot, once per tenant and no oftener than the code says. Every try counts, ten an hour and tenant.
 * A code that is not valid yet looks like one that never was.
 * @throws AppError NOT_FOUND, CONFLICT (used by this tenant, used up, ended), RATE_LIMITED
 */
export async function redeemCode(ctx: TenantCtx, input: RedeemInput): Promise<Redeemed> {
  if (ctx.tx) throw new Error("redeemCode counts tries that fail: call it outside transactions.");
  const { code } = parseInput(redeemInput, input);
  await countAttempt(ctx);
  return inTenant(ctx, async (tx, inner) => {
    await lockTenant(inner);
    const used = and(eq(promoRedemptions.tenantId, ctx.tenant.id), eq(promoRedemptions.code, code));
    const before = await tx.select({ code: promoRedemptions.code }).from(promoRedemptions).where(used);
    if (before.length > 0) throw new AppError("CONFLICT", "This workspace has used this code.");
    const taken = await takeOne(tx, code, ctx.now());
    return giveFor(inner, taken);
  });
}

/** The race for the last redemption is settled by the code's own row. */
async function takeOne(tx: Tx, code: string, now: Date): Promise<Code> {
  const [taken] = await tx
    .update(promoCodes)
    .set({ redemptions: sql`${promoCodes.redemptions} + 1` })
    .where(
      and(
        eq(promoCodes.code, code),
        lte(promoCodes.validFrom, now),
        isNull(promoCodes.endedAt),
        or(isNull(promoCodes.validUntil), gt(promoCodes.validUntil, now)),
        or(isNull(promoCodes.maxRedemptions), lt(promoCodes.redemptions, promoCodes.maxRedemptions)),
      ),
    )
    .returning();
  if (taken) return taken;
  const [known] = await tx.select().from(promoCodes).where(eq(promoCodes.code, code));
  if (!known || known.validFrom > now) throw new AppError("NOT_FOUND", "There is no such code.");
  const ended = known.endedAt !== null || (known.validUntil !== null && known.validUntil <= now);
  throw new AppError("CONFLICT", ended ? "This code has ended." : "This code has been used up.");
}

async function giveFor(ctx: TenantCtx & { tx: Tx }, taken: Code): Promise<Redeemed> {
  const { code, credits, kind } = taken;
  const now = ctx.now();
  const expiresAt = taken.lotExpiresAt ?? daysAfter(now, taken.lotExpiresAfterDays);
  const source = `promo:${code}`;
  const { lotId } = await grantLot(ctx, { unit: "credits", amount: credits, kind, source, expiresAt });
  const redeemedBy = actorName(ctx.actor);
  await ctx.tx
    .insert(promoRedemptions)
    .values({ tenantId: ctx.tenant.id, code, lotId, redeemedBy, redeemedAt: now });
  await audit(ctx, { action: "code.redeemed", subject: lotId, details: { code, credits, kind } });
  return { code, credits, kind, lotId, expiresAt };
}

/** In a transaction of its own, since a try that fails counts too. One statement: tries at once are counted in turn. */
async function countAttempt(ctx: TenantCtx): Promise<void> {
  const now = ctx.now();
  const windowEndsAt = new Date(now.getTime() + WINDOW_MINUTES * 60_000);
  const isOver = sql`${codeAttempts.windowEndsAt} <= ${now.toISOString()}::timestamptz`;
  const [row] = await inTenant(ctx, (tx) =>
    tx
      .insert(codeAttempts)
      .values({ tenantId: ctx.tenant.id, count: 1, windowEndsAt })
      .onConflictDoUpdate({
        target: codeAttempts.tenantId,
        set: {
          count: sql`case when ${isOver} then 1 else least(${codeAttempts.count} + 1, 1000000) end`,
          windowEndsAt: sql`case when ${isOver} then excluded.window_ends_at else ${codeAttempts.windowEndsAt} end`,
        },
      })
      .returning(),
  );
  if (!row || row.count <= MAX_ATTEMPTS) return;
  const minutes = Math.max(1, Math.ceil((row.windowEndsAt.getTime() - now.getTime()) / 60_000));
  throw new AppError("RATE_LIMITED", "Too many codes were tried.", {
    advice: `Try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
  });
}
