import { sql } from "drizzle-orm";
import { foreignKey, index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, idText, instant, tenantId } from "../db/columns";

/**
 * The first answer to a guarded call with an idempotency key, for whoever repeats the call. What was answered is
 * forgotten after a while; that it was answered is not, so no key ever runs or charges twice.
 */
export const answers = pgTable(
  "answers",
  {
    tenantId: tenantId(),
    /** The procedure's path and the caller's key. */
    key: idText().notNull(),
    /** sha-256 of procedure and input: what makes two calls the same. */
    requestHash: text().notNull(),
    /** What it was charged by: the entry of its consume or hold. */
    entryId: idText(),
    createdAt: createdAt(),
    /** When a call that is still running has given up at the latest; past it, a repeated call may take over. */
    runsUntil: instant(),
    /** null while the first call runs. */
    answeredAt: instant(),
    /** superjson, byte for byte; null while it runs, when it was forgotten, and when it can't be kept. */
    answer: text(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.key] }),
    index("answers_kept").on(t.tenantId, t.answeredAt).where(sql`answer is not null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
