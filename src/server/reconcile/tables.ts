import { pgTable, text } from "drizzle-orm/pg-core";
import { instant } from "../db/columns";

/** How far a walk over what Stripe has has come: safe to be moved by two runners, since walking twice does no harm. */
export const walks = pgTable("walks", {
  name: text({ enum: ["events", "customers"] }).primaryKey(),
  /** For events an instant; for customers the last one that was compared, "" at the end. */
  position: text().notNull(),
  movedAt: instant().notNull(),
});
