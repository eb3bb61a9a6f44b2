import { and, count, desc, eq, isNotNull, like, lt, min, or, sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { parseInput } from "../parse";
import { type EventsInput, eventsInput } from "./inputs";
import { webhookInbox } from "./tables";

const PER_PAGE = 50;

/** Beginnings are compared as they are: `_` and `%` mean themselves. */
export const startsWith = (type: string) =>
  like(webhookInbox.type, `${type.replace(/[\\%_]/g, (letter) => `\\${letter}`)}%`);

/** The inbox, newest first, without payloads: what came in, and what became of it. @throws AppError INVALID_INPUT */
export async function listEvents(ctx: Ctx, input: EventsInput) {
  const { status, type, provider, before } = parseInput(eventsInput, input);
  const rows = await inTransaction(ctx, (tx) =>
    tx
      .select({
        provider: webhookInbox.provider,
        account: webhookInbox.account,
        eventId: webhookInbox.eventId,
        type: webhookInbox.type,
        apiVersion: webhookInbox.apiVersion,
        livemode: webhookInbox.livemode,
        status: webhookInbox.status,
        attempts: webhookInbox.attempts,
        lastError: webhookInbox.lastError,
        receivedAt: webhookInbox.receivedAt,
        processedAt: webhookInbox.processedAt,
        /** false once its payload was emptied: it can't be worked off again. */
        hasPayload: isNotNull(webhookInbox.payload).mapWith(Boolean),
      })
      .from(webhookInbox)
      .where(
        and(
          status && eq(webhookInbox.status, status),
          type ? startsWith(type) : undefined,
          provider ? eq(webhookInbox.provider, provider) : undefined,
          before &&
            or(
              lt(webhookInbox.receivedAt, new Date(before.receivedAt)),
              and(
                eq(webhookInbox.receivedAt, new Date(before.receivedAt)),
                lt(webhookInbox.eventId, before.eventId),
              ),
            ),
        ),
      )
      .orderBy(desc(webhookInbox.receivedAt), desc(webhookInbox.eventId))
      .limit(PER_PAGE + 1),
  );
  const events = rows.slice(0, PER_PAGE);
  const last = events.at(-1);
  const next =
    rows.length > PER_PAGE && last
      ? { receivedAt: last.receivedAt.toISOString(), eventId: last.eventId }
      : null;
  return { events, next };
}

export interface InboxHealth {
  /** Not worked off yet, and how long the oldest of those has been due. */
  waiting: number;
  lateSeconds: number;
  /** Put aside until a person has looked. */
  quarantined: number;
}

/** Whether the inbox keeps up, in three figures. */
export async function inboxHealth(ctx: Ctx): Promise<InboxHealth> {
  const rows = await inTransaction(ctx, (tx) =>
    tx
      .select({
        status: webhookInbox.status,
        events: count(),
        late: sql<string>`greatest(extract(epoch from clock_timestamp() - ${min(webhookInbox.availableAt)}), 0)`,
      })
      .from(webhookInbox)
      .where(or(eq(webhookInbox.status, "pending"), eq(webhookInbox.status, "quarantined")))
      .groupBy(webhookInbox.status),
  );
  const pending = rows.find(({ status }) => status === "pending");
  return {
    waiting: pending?.events ?? 0,
    lateSeconds: Math.floor(Number(pending?.late ?? 0)),
    quarantined: rows.find(({ status }) => status === "quarantined")?.events ?? 0,
  };
}
