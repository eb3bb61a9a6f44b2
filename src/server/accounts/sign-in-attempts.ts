import { createHmac } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { AppError } from "../errors";
import { signInAttempts } from "./tables";

const WINDOW_MINUTES = 15;
const MAX_PER_EMAIL = 5;
const MAX_PER_NETWORK = 30;

interface Attempt {
  email: string;
  /** As `networkOf` names it; null when no trusted proxy tells. */
  network: string | null;
  /** Key of the hashes that are kept instead of the addresses. */
  secret: string;
}

/**
 * Counts one wish for a sign-in mail. The network is asked first, so that one network can't use up many people's.
 * @throws AppError RATE_LIMITED
 */
export async function countSignInAttempt(ctx: Ctx, { email, network, secret }: Attempt): Promise<void> {
  if (network !== null) await count(ctx, keyed(secret, `network:${network}`), MAX_PER_NETWORK);
  await count(ctx, keyed(secret, `email:${email}`), MAX_PER_EMAIL);
}

/** One statement, so that wishes at the same moment are counted one after the other. */
async function count(ctx: Ctx, subject: string, maxPerWindow: number): Promise<void> {
  const now = ctx.now();
  const windowEndsAt = new Date(now.getTime() + WINDOW_MINUTES * 60_000);
  const isOver = sql`${signInAttempts.windowEndsAt} <= ${now.toISOString()}::timestamptz`;
  const [row] = await ctx.db.orm
    .insert(signInAttempts)
    .values({ subject, count: 1, windowEndsAt })
    .onConflictDoUpdate({
      target: signInAttempts.subject,
      set: {
        count: sql`case when ${isOver} then 1 else least(${signInAttempts.count} + 1, 1000000) end`,
        windowEndsAt: sql`case when ${isOver} then excluded.window_ends_at else ${signInAttempts.windowEndsAt} end`,
      },
    })
    .returning();
  if (!row || row.count <= maxPerWindow) return;
  const minutes = Math.max(1, Math.ceil((row.windowEndsAt.getTime() - now.getTime()) / 60_000));
  throw new AppError("RATE_LIMITED", "Too many sign-in mails were asked for.", {
    advice: `Try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
  });
}

function keyed(secret: string, subject: string): string {
  return createHmac("sha256", secret).update(`sign-in-attempt:${subject}`).digest("hex");
}
