import { and, asc, eq, isNotNull, or, sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { type ReplayInput, replayInput } from "./inputs";
import { startsWith } from "./list-events";
import { ofKey } from "./service";
import { webhookInbox } from "./tables";

/** Of what a filter finds, oldest first; ask again for the rest. */
const MAX_AT_ONCE = 1_000;

/**
 * Makes events due again, with all their attempts: ones by name, or all that were put aside or ignored. The cron job
 * works them off within a minute. Handlers converge, so doing one again is safe. What is waiting already stays as it is.
 * @returns how many are due again
 * @throws AppError INVALID_INPUT; NOT_FOUND for a name that is not in the inbox, or whose payload was emptied
 */
export async function replayEvents(ctx: Ctx, input: ReplayInput): Promise<{ replayed: number }> {
  const wish = parseInput(replayInput, input);
  return inTransaction(ctx, async (tx) => {
    const wanted =
      "events" in wish
        ? or(...wish.events.map(ofKey))
        : and(eq(webhookInbox.status, wish.status), wish.type ? startsWith(wish.type) : undefined);
    const found = await tx
      .select()
      .from(webhookInbox)
      .where(and(wanted, isNotNull(webhookInbox.payload)))
      .orderBy(asc(webhookInbox.receivedAt), asc(webhookInbox.eventId))
      .limit(MAX_AT_ONCE)
      .for("update");
    if ("events" in wish && new Set(wish.events.map(nameOf)).size > found.length)
      throw new AppError("NOT_FOUND", "Not all of these events are in the inbox with their payload.");
    const settled = found.filter(({ status }) => status !== "pending");
    if (settled.length === 0) return { replayed: 0 };
    await tx
      .update(webhookInbox)
      .set({ status: "pending", attempts: 0, availableAt: sql`clock_timestamp()`, processedAt: null })
      .where(or(...settled.map(ofKey)));
    return { replayed: settled.length };
  });
}

const nameOf = ({ provider, account, eventId }: { provider: string; account: string; eventId: string }) =>
  `${provider} ${account} ${eventId}`;
