import { lt } from "drizzle-orm";
import { systemClock } from "@/lib/time";
import type { Ctx } from "../context";
import { sessions, signInAttempts, verificationTokens } from "./tables";

/**
 * Deletes sessions, sign-in links and counted attempts that are over. None of them counts any more: housekeeping.
 * next-auth ends sessions and links by the machine's own clock, and so must this: in development the app's may be moved,
 * which signs nobody out.
 */
export async function forgetExpired(ctx: Ctx): Promise<{ forgotten: number }> {
  const now = systemClock();
  const { orm } = ctx.db;
  const ended = [
    await orm.delete(sessions).where(lt(sessions.expires, now)).returning({ id: sessions.userId }),
    await orm
      .delete(verificationTokens)
      .where(lt(verificationTokens.expires, now))
      .returning({ id: verificationTokens.identifier }),
    await orm
      .delete(signInAttempts)
      .where(lt(signInAttempts.windowEndsAt, ctx.now()))
      .returning({ id: signInAttempts.subject }),
  ];
  return { forgotten: ended.reduce((sum, rows) => sum + rows.length, 0) };
}
