import { sql } from "drizzle-orm";
import { foreignKey, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, id, idText, instant, tenantId } from "../db/columns";

/** Everyone on one version of a plan moved to another one of it, by an operator. Global: no tenant is named here. */
export const planMoves = pgTable("plan_moves", {
  id: idText().primaryKey(),
  /** null: from every other version. */
  fromVersion: text(),
  toVersion: text().notNull(),
  /** The price changes at a renewal in any case; `now` gives the limits before, when the notice is over. */
  effective: text({ enum: ["next_renewal", "now"] }).notNull(),
  noticeDays: integer().notNull(),
  /** `planned`: nobody was chosen yet. `undone`: whoever could be put back was. */
  status: text({ enum: ["planned", "running", "done", "undoing", "undone"] }).notNull(),
  /** How many of a hundred were chosen, the last time; null: by name. */
  share: integer(),
  stage: integer().notNull().default(0),
  reason: text().notNull(),
  createdBy: text().notNull(),
  createdAt: createdAt(),
  finishedAt: instant(),
});

/** One tenant's part in a move, and how far it has come. */
export const planMoveTenants = pgTable(
  "plan_move_tenants",
  {
    tenantId: tenantId(),
    moveId: id(),
    fromVersion: text().notNull(),
    toVersion: text().notNull(),
    stage: integer().notNull(),
    /**
     * `chosen`: and not told yet. `told`: it has its notice. `scheduled`: Stripe has the new price for the next renewal. `left`: it went elsewhere by
     * itself. `returning`: it was moved, renewed, and goes back at the next renewal.
     */
    status: text({
      enum: ["chosen", "told", "scheduled", "moved", "kept", "left", "returning", "undone"],
    }).notNull(),
    /** When its notice is over. */
    notBefore: instant().notNull(),
    /** When the version that is to come begins, as far as is known. */
    effectiveAt: instant(),
    /** Since when the new version's limits hold although the old one is paid for; null: they follow what is paid. */
    inForceAt: instant(),
    /** The tenant is looking at a change of its own: until then no schedule stands in its way. */
    asideUntil: instant(),
    /** Why it stays where it is. */
    why: text(),
    /** When to look at it next; null: nothing is left to do. */
    dueAt: instant(),
    createdAt: createdAt(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.moveId] }),
    index("plan_move_tenants_due").on(t.tenantId, t.dueAt).where(sql`due_at is not null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Agreed with a tenant: it keeps this version for good, whoever is moved. */
export const keptVersions = pgTable(
  "kept_versions",
  {
    tenantId: tenantId(),
    planVersion: text().notNull(),
    reason: text().notNull(),
    actor: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.planVersion] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
