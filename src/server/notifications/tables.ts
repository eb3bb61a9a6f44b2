import { sql } from "drizzle-orm";
import { boolean, foreignKey, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { members } from "../accounts/tables";
import { createdAt, id, instant, tenantId } from "../db/columns";
import { outbox } from "../events/tables";
import type { Topic } from "./rules";

/** One fact for one person: what the bell shows, and where its mail stands. */
export const notifications = pgTable(
  "notifications",
  {
    tenantId: tenantId(),
    userId: text().notNull(),
    /** The outbox's row, which says what happened. */
    messageId: id(),
    createdAt: createdAt(),
    readAt: instant(),
    /** From when on its mail may be tried (again); null: none is wanted, it was sent, or it was given up. */
    mailDueAt: instant(),
    /** Who sends it has it for himself until then; by the database's clock. */
    mailLeaseEndsAt: instant(),
    mailAttempts: integer().notNull().default(0),
    mailedAt: instant(),
    mailGivenUpAt: instant(),
    mailError: text(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.userId, t.messageId] }),
    index("notifications_mail_due").on(t.tenantId, t.mailDueAt).where(sql`mail_due_at is not null`),
    index("notifications_by_message").on(t.tenantId, t.messageId),
    foreignKey({
      name: "notifications_message",
      columns: [t.tenantId, t.messageId],
      foreignColumns: [outbox.tenantId, outbox.id],
    }).onDelete("cascade"),
    foreignKey({
      name: "notifications_member",
      columns: [t.tenantId, t.userId],
      foreignColumns: [members.tenantId, members.userId],
    }).onDelete("cascade"),
  ],
);

/** What a person chose about mails of one kind. No row: they are sent. */
export const notificationPreferences = pgTable(
  "notification_preferences",
  {
    tenantId: tenantId(),
    userId: text().notNull(),
    kind: text().$type<Topic>().notNull(),
    mail: boolean().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.userId, t.kind] }),
    foreignKey({
      name: "notification_preferences_member",
      columns: [t.tenantId, t.userId],
      foreignColumns: [members.tenantId, members.userId],
    }).onDelete("cascade"),
  ],
);
