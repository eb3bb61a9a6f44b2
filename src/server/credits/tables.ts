import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, id, idText, instant, tenantId, units } from "../db/columns";

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

/** Codes that whoever knows them turns into credits. Global; never deleted, so that a code is one fact for ever. */
export const promoCodes = pgTable(
  "promo_codes",
  {
    /** Upper-case. */
    code: idText().primaryKey(),
    kind: text({ enum: ["promo", "trial"] }).notNull(),
    credits: units().notNull(),
    validFrom: instant().notNull(),
    /** null: until it is ended or used up. */
    validUntil: instant(),
    /** How long the credits last, or until when; both null: for good. */
    lotExpiresAfterDays: integer(),
    lotExpiresAt: instant(),
    /** null: no ceiling. */
    maxRedemptions: integer(),
    redemptions: integer().notNull().default(0),
    madeBy: text().notNull(),
    reason: text().notNull(),
    createdAt: createdAt(),
    endedAt: instant(),
  },
  (t) => [
    check(
      "promo_codes_redemptions_range",
      sql`${t.redemptions} between 0 and coalesce(${t.maxRedemptions}, 2147483647)`,
    ),
    check("promo_codes_credits_range", sql`${t.credits} > 0`),
    check("promo_codes_one_expiry", sql`${t.lotExpiresAfterDays} is null or ${t.lotExpiresAt} is null`),
  ],
);

/** Which codes a tenant redeemed: each once. */
export const promoRedemptions = pgTable(
  "promo_redemptions",
  {
    tenantId: tenantId(),
    code: idText().notNull(),
    lotId: idText().notNull(),
    redeemedBy: text().notNull(),
    redeemedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.code] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** How many codes a tenant has tried in the running window, so that codes can't be guessed. */
export const codeAttempts = pgTable(
  "code_attempts",
  { tenantId: tenantId(), count: integer().notNull(), windowEndsAt: instant().notNull() },
  (t) => [
    primaryKey({ columns: [t.tenantId] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Credits for people without a workspace yet, kept for their e-mail. Global: whose tenant gets them is not known. */
export const awaitedCredits = pgTable(
  "awaited_credits",
  {
    id: id().primaryKey(),
    /** Lower-case. */
    email: text().notNull(),
    credits: units().notNull(),
    kind: text({ enum: ["promo", "trial", "compensation", "adjustment"] }).notNull(),
    /** How long the credits last from the claim on; null: for good. */
    lotExpiresAfterDays: integer(),
    reason: text().notNull(),
    madeBy: text().notNull(),
    createdAt: createdAt(),
    /** Until when they wait; null: for good. */
    expiresAt: instant(),
    /** The person; which workspace got them says the lot `awaited:<id>`. */
    claimedBy: idText(),
    claimedAt: instant(),
    withdrawnAt: instant(),
  },
  (t) => [
    index("awaited_credits_open").on(t.email).where(sql`claimed_at is null and withdrawn_at is null`),
    check("awaited_credits_range", sql`${t.credits} > 0`),
    check("awaited_credits_one_end", sql`${t.claimedAt} is null or ${t.withdrawnAt} is null`),
  ],
);
