import { jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { createdAt, idText } from "../db/columns";

/** Each deed of an operator, once per key. Global: codes and waiting credits are nobody's. Append-only. */
export const operatorDeeds = pgTable("operator_deeds", {
  key: idText().primaryKey(),
  action: text().notNull(),
  actor: text().notNull(),
  /** The workspace it was done in; null for deeds in none. */
  tenant: text(),
  reason: text().notNull(),
  /** What was asked, to know the same wish again. */
  request: jsonb().$type<unknown>().notNull(),
  /** What was answered, for whoever asks again. */
  answer: jsonb().$type<unknown>(),
  createdAt: createdAt(),
});
