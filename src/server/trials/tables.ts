import { sql } from "drizzle-orm";
import { check, date, index, integer, pgTable, primaryKey, smallint, text } from "drizzle-orm/pg-core";
import { createdAt, id, idText, instant, units } from "../db/columns";

// Global, all of them: whoever tries has no tenant yet. No address is kept, and none of these rows says who it was.

/** The credits of somebody without an account. Whose they are is known by a signed cookie only. */
export const trials = pgTable(
  "trials",
  {
    id: id().primaryKey(),
    granted: units().notNull(),
    remaining: units().notNull(),
    createdAt: createdAt(),
    endsAt: instant().notNull(),
    /** When what remained went to a workspace: nothing is spent or carried over after that. */
    carriedOverAt: instant(),
  },
  (t) => [
    index("trials_by_end").on(t.endsAt),
    check("trials_remaining_range", sql`${t.remaining} between 0 and ${t.granted}`),
  ],
);

/** What was spent, by the caller's own key: one effect per key. */
export const trialSpends = pgTable(
  "trial_spends",
  {
    trialId: idText()
      .notNull()
      .references(() => trials.id, { onDelete: "cascade" }),
    key: idText().notNull(),
    units: units().notNull(),
    remainingAfter: units().notNull(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.trialId, t.key] })],
);

/** How many trials a network began on a day. */
export const trialNetworks = pgTable(
  "trial_networks",
  {
    countedOn: date({ mode: "string" }).notNull(),
    /** A keyed hash, of another key every day. */
    network: text().notNull(),
    begun: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.countedOn, t.network] })],
);

/** How many trials began on a day in all, in shares, so that visitors don't wait for each other. */
export const trialDays = pgTable(
  "trial_days",
  {
    countedOn: date({ mode: "string" }).notNull(),
    share: smallint().notNull(),
    begun: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.countedOn, t.share] })],
);
