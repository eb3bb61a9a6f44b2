import { sql } from "drizzle-orm";
import { index, jsonb, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { createdAt, id, instant, tenantId } from "../db/columns";
import type { FactType } from "./facts";

/** Who did what to which thing, written in the transaction that did it. Append-only. */
export const auditEvents = pgTable(
  "audit_events",
  {
    tenantId: tenantId(),
    id: id(),
    action: text().notNull(),
    actor: text().notNull(),
    subject: text(),
    details: jsonb().$type<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.id] })],
);

/** Facts that want an effect outside the database (mail, in-app notice). Written with the fact, sent after commit. */
export const outbox = pgTable(
  "outbox",
  {
    tenantId: tenantId(),
    id: id(),
    /** One message per fact: `quota.threshold:compute:<window start>:80`. */
    fact: text().notNull(),
    /** Which of `facts.ts`; the payload is of that shape. */
    type: text().$type<FactType>().notNull(),
    payload: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: createdAt(),
    /** When it was handed to whoever sends; null: not yet. */
    sentAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique("outbox_one_per_fact").on(t.tenantId, t.fact),
    index("outbox_by_type").on(t.tenantId, t.type, t.id),
    index("outbox_unsent").on(t.tenantId, t.id).where(sql`sent_at is null`),
    index("outbox_sent").on(t.tenantId, t.sentAt).where(sql`sent_at is not null`),
  ],
);
