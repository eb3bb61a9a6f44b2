import { sql } from "drizzle-orm";
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, id, instant, tenantId, units } from "../db/columns";

const MAX_UNITS = sql.raw("9007199254740991");

/**
 * One row per tenant and metered feature (or level): policy and balance together, so the common case touches
 * one row. The current window's allowance lives here (`granted`, `used`); in the books it counts as a lot.
 * Nothing that changes per call is indexed, so updates stay HOT (`fillfactor` is set in ledger.sql).
 */
export const meters = pgTable(
  "meters",
  {
    tenantId: tenantId(),
    feature: text().notNull(),
    kind: text({ enum: ["meter", "level"] }).notNull(),
    planVersion: text().notNull(),
    /** What the plan gives for each window; null: unlimited. */
    allowance: units(),
    /** What this window was given; null: unlimited. */
    granted: units(),
    used: units().notNull().default(0),
    /** null for levels, which have no window. */
    windowUnit: text({ enum: ["day", "week", "month", "year"] }),
    /** null: calendar windows. */
    anchorAt: instant(),
    timeZone: text().notNull(),
    windowStartsAt: instant().notNull(),
    /** The instant the next window begins; null for levels. */
    windowEndsAt: instant(),
    overflow: text({ enum: ["deny", "credits"] }).notNull(),
    /** `ceil(units × overflowCredits / overflowPerUnits)` credits pay for the units past the allowance. */
    overflowCredits: integer().notNull().default(1),
    overflowPerUnits: integer().notNull().default(1),
    /** Why this tenant may not consume at all (past due, suspended); null when it may. */
    blockedReason: text(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.feature] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
    check("meters_used_range", sql`${t.used} between 0 and ${MAX_UNITS}`),
    // A CHECK is parsed anew for each statement (3 to 5 µs): the policy's rules are a trigger in ledger.sql instead,
    // which does not run when only `used` moves.
  ],
);

/** An amount of one unit (a meter's id, or "credits") that a tenant may spend. See DESIGN: lots and draws. */
export const lots = pgTable(
  "lots",
  {
    tenantId: tenantId(),
    id: id(),
    unit: text().notNull(),
    kind: text({ enum: ["replenish", "trial", "promo", "compensation", "purchase", "adjustment"] }).notNull(),
    granted: units().notNull(),
    remaining: units().notNull(),
    startsAt: instant().notNull(),
    expiresAt: instant(),
    /** Lower is spent first: replenish 10, trial 20, promo 30, compensation 40, adjustment 50, purchase 60. */
    priority: smallint().notNull(),
    /** The economic fact that made it: it grants once, however often it is told. */
    source: text().notNull(),
    createdAt: createdAt(),
    /** Set when nothing remains, so that the index of live lots stays short. */
    closedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique("lots_one_per_source").on(t.tenantId, t.source),
    index("lots_draw_order")
      .on(t.tenantId, t.unit, t.priority, t.expiresAt, t.startsAt, t.id)
      .where(sql`closed_at is null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
    check("lots_remaining_range", sql`${t.remaining} between 0 and ${t.granted}`),
    check("lots_granted_range", sql`${t.granted} between 1 and ${MAX_UNITS}`),
    check("lots_closed_when_empty", sql`(${t.closedAt} is not null) = (${t.remaining} = 0)`),
  ],
);

export const ENTRY_OPERATIONS = ["grant", "consume", "release", "adjust", "forfeit", "expire"] as const;

/** One line of the append-only ledger: an operation, its units, and the receipt of the decision. */
export const entries = pgTable(
  "entries",
  {
    tenantId: tenantId(),
    id: id(),
    /** Unique per tenant and kept: one effect per key. */
    idempotencyKey: text().notNull(),
    operation: text({ enum: ENTRY_OPERATIONS }).notNull(),
    /** The meter or level, or "credits" for what moves credit lots only. */
    feature: text().notNull(),
    units: units().notNull(),
    /** Units taken from (or, below zero, given back to) the window's allowance. */
    allowanceUnits: units().notNull().default(0),
    /** Units taken from lots of the feature's own unit. */
    lotUnits: units().notNull().default(0),
    /** Credits taken for units past allowance and lots. */
    credits: units().notNull().default(0),
    /** The window's balance right after, and the window: the receipt of what the gate saw. */
    usedAfter: units(),
    grantedAfter: units(),
    windowStartsAt: instant(),
    windowEndsAt: instant(),
    planVersion: text(),
    /** 80 or 100 when this entry crossed that share of the allowance. */
    crossed: smallint(),
    actor: text().notNull(),
    properties: jsonb().$type<Record<string, string | number | boolean>>(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique("entries_one_effect_per_key").on(t.tenantId, t.idempotencyKey),
    // No foreign key to tenants: it would lock the tenant's row on every call. The gate writes for a meter row only.
  ],
);

/** Which lots an entry drew from (above zero) or gave back to (below), in the order of the draw. */
export const draws = pgTable(
  "draws",
  {
    tenantId: tenantId(),
    entryId: text().notNull(),
    lotId: text().notNull(),
    position: smallint().notNull(),
    units: units().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.entryId, t.lotId] }),
    index("draws_by_lot").on(t.tenantId, t.lotId),
    foreignKey({ columns: [t.tenantId, t.entryId], foreignColumns: [entries.tenantId, entries.id] }),
    foreignKey({ columns: [t.tenantId, t.lotId], foreignColumns: [lots.tenantId, lots.id] }),
  ],
);
