import { sql } from "drizzle-orm";
import { index, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { idText, instant } from "../db/columns";

/**
 * Where our tables and Stripe disagreed, and what became of it. One open row per thing. Global, for those who run the
 * product: whose it is, the directory of customers knows.
 */
export const drifts = pgTable(
  "drifts",
  {
    id: idText().primaryKey(),
    kind: text({
      enum: [
        "event",
        "subscription",
        "plan",
        "checkout",
        "money_back",
        "price",
        "invoice",
        "payment",
        "credit_note",
      ],
    }).notNull(),
    /** What it is about: evt_…, sub_…, chk_…, ord_…, in_…, pi_…, icr_…, inv_…, or a price's lookup key. */
    subject: text().notNull(),
    /** null for a price. */
    customerId: text(),
    ours: text().notNull(),
    theirs: text().notNull(),
    foundAt: instant().notNull(),
    healedAt: instant(),
    /** `taken_in`: an event that never came. `synced`: looked at again. `gone`: at the next comparison it was right. */
    how: text({ enum: ["taken_in", "synced", "gone"] }),
  },
  (t) => [
    uniqueIndex("drifts_one_open").on(t.kind, t.subject).where(sql`healed_at is null`),
    index("drifts_by_customer").on(t.customerId).where(sql`healed_at is null`),
  ],
);
