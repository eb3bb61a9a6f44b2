import { sql } from "drizzle-orm";
import {
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, id, instant, tenantId, units } from "../db/columns";
import type { PlanDefinition } from "./rules";

/** What was sold, word for word. Immutable: no UPDATE or DELETE, by grant and by trigger. */
export const planVersions = pgTable(
  "plan_versions",
  {
    /** `pro@3`. */
    id: text().primaryKey(),
    planId: text().notNull(),
    version: integer().notNull(),
    definition: jsonb().$type<PlanDefinition>().notNull(),
    /** sha-256 of the canonical definition: the same words are the same version. */
    hash: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique().on(t.planId, t.version), unique().on(t.planId, t.hash)],
);

/** The plan version a tenant is on, and why. One row per tenant, made with the tenant. */
export const tenantPlans = pgTable(
  "tenant_plans",
  {
    tenantId: tenantId(),
    planVersion: text()
      .notNull()
      .references(() => planVersions.id),
    /** What put the tenant there: the default, its subscription, time it paid for, or an operator. */
    source: text({ enum: ["default", "subscription", "prepaid", "operator"] }).notNull(),
    /** The billing interval that `billing_period` windows follow. */
    interval: text({ enum: ["month", "year"] }).notNull(),
    /** Where anchored windows start counting: sign-up, or the subscription's first day. */
    anchorAt: instant().notNull(),
    /** The instant it is over, with or without cron; null: lasts until something changes it. */
    endsAt: instant(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId] }),
    index("tenant_plans_ending").on(t.tenantId, t.endsAt).where(sql`ends_at is not null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** A limit of one tenant's own, agreed by people. At most one holds per feature; ended ones stay, to explain old receipts. */
export const overrides = pgTable(
  "overrides",
  {
    tenantId: tenantId(),
    id: id(),
    feature: text().notNull(),
    /** Units, or for a flag 0 or 1; null: unlimited. */
    limit: units(),
    reason: text().notNull(),
    actor: text().notNull(),
    createdAt: createdAt(),
    /** The instant it stops holding, with or without cron; null: lasts until it is ended. */
    expiresAt: instant(),
    endedAt: instant(),
    endedBy: text(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    uniqueIndex("overrides_one_per_feature").on(t.tenantId, t.feature).where(sql`ended_at is null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
