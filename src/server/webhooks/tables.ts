import { sql } from "drizzle-orm";
import { boolean, index, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { createdAt, instant } from "../db/columns";

/** Every event a provider ever sent us, stored before anything is done with it. Global: an event names a customer, not a tenant. */
export const webhookInbox = pgTable(
  "webhook_inbox",
  {
    provider: text().notNull(),
    /** The provider's account; "" for our own. */
    account: text().notNull(),
    eventId: text().notNull(),
    type: text().notNull(),
    apiVersion: text(),
    livemode: boolean().notNull(),
    /** null once it was worked off and is old; the row stays, so that the event stays known. */
    payload: jsonb().$type<Record<string, unknown>>(),
    /** The payload is kept for good: money rests on it. */
    keep: boolean().notNull().default(true),
    status: text({ enum: ["pending", "done", "ignored", "quarantined"] }).notNull(),
    attempts: integer().notNull().default(0),
    /** Work may (re)start from this instant: the lease's end while processing, the back-off's end after a failure. */
    availableAt: instant().notNull(),
    lastError: text(),
    receivedAt: createdAt(),
    processedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.provider, t.account, t.eventId] }),
    index("webhook_inbox_due").on(t.status, t.availableAt),
    index("webhook_inbox_by_time").on(t.receivedAt, t.eventId),
    index("webhook_inbox_to_forget").on(t.receivedAt).where(sql`payload is not null and not keep`),
  ],
);
