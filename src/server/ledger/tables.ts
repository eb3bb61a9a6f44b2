import { sql } from "drizzle-orm";
import {
  bigint,
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
import { createdAt, id, idText, instant, tenantId, units } from "../db/columns";
import type { Breakdown } from "./breakdown";
import { ENTRY_OPERATIONS } from "./entry-operations";

const MAX_UNITS = sql.raw("9007199254740991");

/**
 * One row per tenant and metered feature, level or lease: policy and balance together, so the common case touches
 * one row. The current window's allowance lives here (`granted`, `used`); in the books it counts as a lot.
 * Nothing that changes per call is indexed, so updates stay HOT (`fillfactor` is set in ledger.sql).
 */
export const meters = pgTable(
  "meters",
  {
    tenantId: tenantId(),
    feature: idText().notNull(),
    kind: text({ enum: ["meter", "level", "lease"] }).notNull(),
    planVersion: text().notNull(),
    /** When that plan is over, and nothing more may be drawn on it; null: it lasts. */
    planEndsAt: instant(),
    /** What each window gives: the plan's, or the override's while one lasts; null: unlimited. */
    allowance: units(),
    /** The plan's own, which holds again when an override ends. */
    planAllowance: units(),
    /** When the override ends; null without one, and for one that lasts. */
    overrideEndsAt: instant(),
    /** When the credits that it overflows to are refilled; null without a refill, or without that overflow. */
    refillAt: instant(),
    /** What this window was given; null: unlimited. */
    granted: units(),
    /** Of this window's allowance. Past `granted` only after a downgrade. */
    used: units().notNull().default(0),
    /** Units of this window past the allowance: from lots, for credits, or over the limit. */
    beyond: units().notNull().default(0),
    /** Those of them that nothing covered: overage, or let through by `onLimit` or a commit's `overflow`. */
    over: units().notNull().default(0),
    /** null for levels and leases, which have no window. */
    windowUnit: text({ enum: ["day", "week", "month", "year"] }),
    /** null: calendar windows. */
    anchorAt: instant(),
    timeZone: text().notNull(),
    windowStartsAt: instant().notNull(),
    /** The instant the next window begins; null for levels and leases. */
    windowEndsAt: instant(),
    /** Usage of windows that began here or later counts in this one: a plan change moves a window and carries it along. */
    carriedFrom: instant().notNull(),
    overflow: text({ enum: ["deny", "credits", "overage"] }).notNull(),
    /** `ceil(units × overflowCost / overflowPerUnits)` credits, or minor units of money, pay for units past the allowance. */
    overflowCost: integer().notNull().default(1),
    overflowPerUnits: integer().notNull().default(1),
    /** What happens when nothing covers a call: it stops, goes on with a warning, or asks a person first. */
    onLimit: text({ enum: ["block", "warn", "prompt"] })
      .notNull()
      .default("block"),
    /** The tenant's own ceiling for a window's overage, in minor units; null: none. */
    spendCapMinor: units(),
    /** The largest single call. */
    requestCap: units().notNull().default(Number.MAX_SAFE_INTEGER),
    /** The most of one window, whatever pays for it; null: no ceiling. */
    windowCap: units(),
    /** How much unused allowance may be kept as lots, in all; null: none is. */
    rolloverCap: units(),
    /** How many windows such a lot outlives the one it came from. */
    rolloverWindows: smallint(),
    /** Why this tenant may not consume at all (past due, suspended); null when it may. */
    blockedReason: text(),
    /** The highest threshold of this window that was told: 0, 80 or 100. */
    alerted: smallint().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.feature] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
    check("meters_used_range", sql`${t.used} between 0 and ${MAX_UNITS}`),
    // A CHECK is parsed anew for each statement (3 to 5 µs), and a BEFORE trigger locks each row once more: the
    // policy's rules are an AFTER trigger in ledger.sql, which does not run when only `used` moves.
  ],
);

/** An amount of one unit (a meter's id, or "credits") that a tenant may spend. See DESIGN: lots and draws. */
export const lots = pgTable(
  "lots",
  {
    tenantId: tenantId(),
    id: id(),
    unit: idText().notNull(),
    kind: text({
      enum: ["rollover", "replenish", "trial", "promo", "compensation", "purchase", "adjustment"],
    }).notNull(),
    granted: units().notNull(),
    remaining: units().notNull(),
    /** Taken back, since the money for them went back. What was used is granted less this, the next two and what remains. */
    takenBack: units().notNull().default(0),
    /** Left over when it expired, and written off. */
    writtenOff: units().notNull().default(0),
    /** Paid for debts of other lots. */
    repaid: units().notNull().default(0),
    startsAt: instant().notNull(),
    expiresAt: instant(),
    /** Lower is spent first: rollover 5, replenish 10, trial 20, promo 30, compensation 40, adjustment 50, purchase 60. */
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

/**
 * One line of the append-only ledger: an operation, what it drew or gave back, and the receipt of the decision.
 * Partitioned by id, which begins with its time: old partitions can be archived. What is given back is negative.
 */
export const entries = pgTable(
  "entries",
  {
    tenantId: tenantId(),
    id: id(),
    /** The hold that a commit or release settles; the consume or hold that a refund takes back; the debt that is repaid. */
    parentId: idText(),
    /** As claimed in `idempotency_keys`; null for a call without one. */
    idempotencyKey: text(),
    operation: text({ enum: ENTRY_OPERATIONS }).notNull(),
    /** The meter, level or lease, or "credits" for what moves credit lots only. */
    feature: text().notNull(),
    /** What was asked for, or really used (commit), or given back (release, refund). */
    units: units().notNull(),
    /** Units taken from the window's allowance. */
    allowanceUnits: units().notNull().default(0),
    /** Units taken from lots of the feature's own unit. */
    lotUnits: units().notNull().default(0),
    /** Credits taken for units past allowance and lots. */
    credits: units().notNull().default(0),
    /** Units past the allowance: from lots, paid with credits, or over. */
    beyondUnits: units().notNull().default(0),
    /** Units that nothing covered: overage, or let through by the limit's rule. */
    overUnits: units().notNull().default(0),
    /** Units really used that could not be charged (commit above its hold), or that are owed from now on (revoke). */
    unchargedUnits: units().notNull().default(0),
    /** The lots drawn, in order, and how much of each. */
    lotIds: text().array(),
    lotDraws: units().array(),
    /** The window's balance right after, and the window: the receipt of what the gate saw. */
    usedAfter: units(),
    grantedAfter: units(),
    windowStartsAt: instant(),
    windowEndsAt: instant(),
    planVersion: text(),
    /** 80 or 100 when this entry crossed that share of the allowance. */
    crossed: smallint(),
    /** Why a call was denied (when that was asked to be kept), refunded or recounted. */
    reason: text(),
    actor: text().notNull(),
    properties: jsonb().$type<Record<string, string | number | boolean>>(),
    /** How the units came about: which feature drew on the meter, and its costs by kind. */
    breakdown: jsonb().$type<Breakdown>(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index("entries_by_parent").on(t.tenantId, t.parentId).where(sql`parent_id is not null`),
    // No foreign key to tenants: it would lock the tenant's row on every call. The gate writes for a meter row only.
  ],
);

/** One effect per key, for ever: outlives the partition that its entry was in. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    tenantId: tenantId(),
    key: idText().notNull(),
    entryId: id(),
    /** Of operation, feature, units and properties: what makes two requests the same. */
    requestHash: bigint({ mode: "bigint" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenantId, t.key] })],
);

/** Units set aside for work in progress. Its id is its entry's; every settling is one compare-and-swap on `status`. */
export const holds = pgTable(
  "holds",
  {
    tenantId: tenantId(),
    id: id(),
    feature: text().notNull(),
    units: units().notNull(),
    status: text({ enum: ["open", "committed", "released", "expired"] }).notNull(),
    /** What a commit above the hold does with the difference. */
    overflow: text({ enum: ["reject", "cap", "overflow"] }).notNull(),
    expiresAt: instant().notNull(),
    settledAt: instant(),
    settledBy: idText(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index("holds_open").on(t.tenantId, t.feature, t.expiresAt).where(sql`status = 'open'`),
  ],
);

/**
 * Units that were spent and then taken back: the tenant owes them, until a purchase or a returned unit pays. One row per
 * lot, whose entries are its proof: amount by `revoke`, what other lots paid of it by `repay`.
 */
export const debts = pgTable(
  "debts",
  {
    tenantId: tenantId(),
    id: id(),
    unit: idText().notNull(),
    /** The lot that was spent. */
    lotId: idText().notNull(),
    amount: units().notNull(),
    outstanding: units().notNull(),
    /** Since when it is owed: anew, when it had been settled. */
    createdAt: createdAt(),
    /** When nothing was owed any more; null while something is. */
    settledAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique("debts_one_per_lot").on(t.tenantId, t.lotId),
    index("debts_open").on(t.tenantId, t.unit, t.createdAt, t.id).where(sql`outstanding > 0`),
    foreignKey({ columns: [t.tenantId, t.lotId], foreignColumns: [lots.tenantId, lots.id] }).onDelete(
      "cascade",
    ),
    check("debts_outstanding_range", sql`${t.outstanding} between 0 and ${t.amount}`),
    check("debts_settled_when_paid", sql`(${t.settledAt} is not null) = (${t.outstanding} = 0)`),
  ],
);

/** Something that runs and may be one of a limited number at once. Counts until it ends or misses its heartbeat. */
export const leases = pgTable(
  "leases",
  {
    tenantId: tenantId(),
    id: id(),
    feature: text().notNull(),
    idempotencyKey: text().notNull(),
    startedAt: instant().notNull(),
    heartbeatAt: instant().notNull(),
    expiresAt: instant().notNull(),
    endedAt: instant(),
    /** null while it runs. */
    endedBecause: text({ enum: ["released", "expired"] }),
    planVersion: text().notNull(),
    actor: text().notNull(),
    properties: jsonb().$type<Record<string, string | number | boolean>>(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique("leases_one_per_key").on(t.tenantId, t.idempotencyKey),
    index("leases_running").on(t.tenantId, t.feature, t.expiresAt).where(sql`ended_at is null`),
  ],
);
