import { sql } from "drizzle-orm";
import { foreignKey, index, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { amountMinor, instant, tenantId } from "../db/columns";

/**
 * A subscription that is not paid, from its oldest unpaid invoice on, as of the last sync. Its instants are counted from
 * the first failed payment and never move: the days that a tenant was told hold.
 */
export const dunnings = pgTable(
  "dunnings",
  {
    tenantId: tenantId(),
    /** The oldest invoice that was tried and failed. */
    invoiceId: text().notNull(),
    subscriptionId: text().notNull(),
    pastDueSince: instant().notNull(),
    purchasesStopAt: instant().notNull(),
    planEndsAt: instant().notNull(),
    /** Everything of the subscription that is unpaid. */
    amountMinor: amountMinor().notNull(),
    currency: text().notNull(),
    /** The invoice's hosted page. */
    payUrl: text(),
    /** When Stripe tries the card again; null: not by itself. */
    nextAttemptAt: instant(),
    /** When cron looks at it next: at its next step, or at once while its end is under way. null: it is closed. */
    dueAt: instant(),
    /** Written before Stripe is asked to void what is unpaid and to end the subscription: from then on that is what happens. */
    endingAt: instant(),
    closedAt: instant(),
    /** `paid`: or nothing more is asked of the tenant. `ended`: with the subscription. */
    outcome: text({ enum: ["paid", "ended"] }),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.invoiceId] }),
    uniqueIndex("dunnings_one_open").on(t.tenantId, t.subscriptionId).where(sql`closed_at is null`),
    index("dunnings_due").on(t.tenantId).where(sql`due_at is not null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
