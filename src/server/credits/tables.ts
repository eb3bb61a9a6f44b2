import { sql } from "drizzle-orm";
import { check, foreignKey, index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { idText, instant, tenantId, units } from "../db/columns";

/** What a tenant's plan refills each period: one row once a plan did, for ever, so that a period is given once. */
export const replenishments = pgTable(
  "replenishments",
  {
    tenantId: tenantId(),
    unit: idText().notNull(),
    /** What the next period gives; null: the plan refills nothing, and the running period is the last. */
    units: units(),
    every: text({ enum: ["day", "week", "month"] }).notNull(),
    /** Where periods count from: the plan's first day, or where another rule took over. */
    anchorAt: instant().notNull(),
    timeZone: text().notNull(),
    /** When the plan itself is over: it refills no period that begins then or later. null: it lasts. */
    planEndsAt: instant(),
    periodStartsAt: instant().notNull(),
    periodEndsAt: instant().notNull(),
    /** The lot of the running period; null when it gave nothing. */
    lotId: idText(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.unit] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
    check("replenishments_units_range", sql`${t.units} > 0`),
  ],
);

/** What is watched of a tenant's spendable credits, and told when a draw crosses it. Kept by credit_watch in watch.sql. */
export const creditAccounts = pgTable(
  "credit_accounts",
  {
    tenantId: tenantId(),
    /** Below this the tenant is told, once; null: never. */
    lowAt: units(),
    /** When it was told, or was low from the start; null once there is enough again. */
    lowToldAt: instant(),
    /** Below this a top-up is due; null: never. */
    topUpAt: units(),
    /** Since when one is due. */
    topUpDueAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId] }),
    index("credit_accounts_due").on(t.tenantId).where(sql`top_up_due_at is not null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
