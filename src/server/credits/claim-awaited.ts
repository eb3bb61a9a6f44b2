import { and, eq, gt, isNull, or } from "drizzle-orm";
import { provenEmailOf } from "../accounts/proven-email";
import { listTenants } from "../accounts/service";
import type { Ctx, TenantCtx } from "../context";
import { inTenant, inTransaction } from "../db/transaction";
import { audit } from "../events/service";
import { grantLot } from "../ledger/grant";
import { lockTenant } from "../ledger/lock-tenant";
import { daysAfter } from "./rules";
import { awaitedCredits } from "./tables";

/**
 * Gives the signed-in person what waits for their proven e-mail, in the first workspace that they own: once, however
 * often and at however many moments they sign in. It is no refill, and changes none.
 * @returns the credits given
 */
export async function claimAwaited(ctx: Ctx, userId: string): Promise<number> {
  const email = await provenEmailOf(ctx, userId);
  if (email === null) return 0;
  const open = openFor(email, ctx.now());
  const waiting = await inTransaction(ctx, (tx) =>
    tx.select({ id: awaitedCredits.id }).from(awaitedCredits).where(open).limit(1),
  );
  if (waiting.length === 0) return 0;
  const mine = await listTenants({ ...ctx, actor: { kind: "user", userId } });
  // Ids sort by time.
  const [first] = mine.filter(({ role }) => role === "owner").sort((a, b) => (a.id < b.id ? -1 : 1));
  return first ? claimFor({ ...ctx, tenant: first }, userId, email) : 0;
}

async function claimFor(ctx: TenantCtx, userId: string, email: string): Promise<number> {
  return inTenant(ctx, async (tx, inner) => {
    await lockTenant(inner);
    const now = ctx.now();
    // The race between two sign-ins, and with a withdrawal, is settled here: a row that was closed meanwhile is not returned.
    const claimed = await tx
      .update(awaitedCredits)
      .set({ claimedAt: now, claimedBy: userId })
      .where(openFor(email, now))
      .returning();
    for (const { id, credits, kind, lotExpiresAfterDays, reason, madeBy } of claimed) {
      const expiresAt = daysAfter(now, lotExpiresAfterDays);
      const source = `awaited:${id}`;
      const { lotId } = await grantLot(inner, { unit: "credits", amount: credits, kind, source, expiresAt });
      const details = { awaited: id, credits, kind, reason, madeBy };
      await audit(inner, { action: "credits.claimed", subject: lotId, details });
    }
    return claimed.reduce((sum, { credits }) => sum + credits, 0);
  });
}

const openFor = (email: string, now: Date) =>
  and(
    eq(awaitedCredits.email, email),
    isNull(awaitedCredits.claimedAt),
    isNull(awaitedCredits.withdrawnAt),
    or(isNull(awaitedCredits.expiresAt), gt(awaitedCredits.expiresAt, now)),
  );
