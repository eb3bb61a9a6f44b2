import { jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { createdAt, idText } from "../db/columns";

/**
 * Each deed of an operator, once per key. Global, since codes and waiting credits are nobody's, so it names no workspace:
 * what was done in one stands in that one's audit too. Append-only.
 */
export const operatorDeeds = pgTable("operator_deeds", {
  key: idText().primaryKey(),
  action: text().notNull(),
  actor: text().notNull(),
  reason: text().notNull(),
  /** SHA-256 of what was asked, and in which workspace, to know the same wish again. */
  requestHash: text().notNull(),
  /** What was answered, for whoever asks again. */
  answer: jsonb().$type<unknown>(),
  createdAt: createdAt(),
});
