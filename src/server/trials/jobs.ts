import { lt } from "drizzle-orm";
import type { Ctx } from "../context";
import { daysLater, KEPT_COUNT_DAYS, utcDay } from "./rules";
import { trialDays, trialNetworks, trials } from "./tables";

/**
 * Deletes counts of networks and days that nobody asks for any more, so that not even a hash of an address outlives
 * two days, and trials that ended with what was spent of them.
 */
export async function forgetTrials(ctx: Ctx): Promise<{ trialsForgotten: number }> {
  const { orm } = ctx.db;
  const now = ctx.now();
  const firstKept = utcDay(daysLater(now, 1 - KEPT_COUNT_DAYS));
  await orm.delete(trialNetworks).where(lt(trialNetworks.countedOn, firstKept));
  await orm.delete(trialDays).where(lt(trialDays.countedOn, firstKept));
  const ended = await orm.delete(trials).where(lt(trials.endsAt, now)).returning({ id: trials.id });
  return { trialsForgotten: ended.length };
}
