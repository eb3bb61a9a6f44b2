import { sql } from "drizzle-orm";
import {
  bigint,
  foreignKey,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { amountMinor, createdAt, id, instant, tenantId } from "../db/columns";
import type { Discount } from "./discount-rules";

/** Our copy of each subscription, as of the last sync. Stripe is the source; this converges to it. */
export const subscriptions = pgTable(
  "subscriptions",
  {
    tenantId: tenantId(),
    subscriptionId: text().notNull(),
    status: text().notNull(),
    planVersion: text(),
    priceId: text().notNull(),
    interval: text({ enum: ["month", "year"] }).notNull(),
    quantity: bigint({ mode: "number" }).notNull(),
    /** The most that this period was paid for: what is added up to it costs nothing more. */
    paidQuantity: bigint({ mode: "number" }).notNull().default(1),
    /** The level whose units are the seats that are paid for, and how many are paid for at least; null: a flat price. */
    seatFeature: text(),
    seatsAtLeast: bigint({ mode: "number" }).notNull().default(1),
    currency: text().notNull(),
    amountMinor: amountMinor().notNull(),
    currentPeriodStartsAt: instant().notNull(),
    currentPeriodEndsAt: instant().notNull(),
    billingAnchorAt: instant().notNull(),
    /** When its plan begins: when it was made, or when the days end that had been paid for before. null: of former releases. */
    beginsAt: instant(),
    /** When it will end, if that is decided. */
    cancelAt: instant(),
    canceledAt: instant(),
    endedAt: instant(),
    trialEndsAt: instant(),
    /** While it is paused: since when, until when its plan is paid for, and when the pause ends by itself. */
    pausedAt: instant(),
    paidUntil: instant(),
    resumesAt: instant(),
    /** Another plan or interval to come: with a schedule at `changeAt`, or once its invoice is paid, until then. */
    changeKind: text({ enum: ["scheduled", "payment_needed"] }),
    changePlanVersion: text(),
    changeInterval: text({ enum: ["month", "year"] }),
    changeAt: instant(),
    /** What is taken off its invoices now. */
    discounts: jsonb().$type<Discount[]>().notNull().default([]),
    /** The hosted page of its latest invoice, while that is open. */
    payUrl: text(),
    syncedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.subscriptionId] }),
    // A business without seats has no row in it.
    index("subscriptions_paused").on(t.tenantId).where(sql`resumes_at is not null`),
    index("subscriptions_by_the_seat").on(t.tenantId).where(sql`seat_feature is not null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** A change of plan or interval that somebody confirmed, written before Stripe is asked. One a tenant is under way. */
export const planChanges = pgTable(
  "plan_changes",
  {
    tenantId: tenantId(),
    id: id(),
    /** The preview that was confirmed. The same one again is the same change, unless that came to nothing. */
    preview: text().notNull(),
    /** `asked`: nobody knows yet what Stripe made of it. `dropped`: its answer never came, and no trace of it is there. */
    status: text({
      enum: ["asked", "changed", "scheduled", "payment_needed", "failed", "dropped"],
    }).notNull(),
    subscriptionId: text().notNull(),
    fromVersion: text(),
    toVersion: text().notNull(),
    interval: text({ enum: ["month", "year"] }).notNull(),
    effectiveAt: instant().notNull(),
    /** What the preview said is due at once: a credit when it is negative. */
    totalMinor: amountMinor().notNull(),
    currency: text().notNull(),
    /** What Stripe is asked, word for word: under its key it knows no others. */
    request: jsonb().$type<Record<string, unknown>>().notNull(),
    /** The invoice that it caused, and why that is not paid. */
    invoiceId: text(),
    payUrl: text(),
    failedReason: text(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    finishedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    uniqueIndex("plan_changes_one_per_preview")
      .on(t.tenantId, t.preview)
      .where(sql`status not in ('failed', 'dropped')`),
    uniqueIndex("plan_changes_one_asked").on(t.tenantId).where(sql`status = 'asked'`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** A trial that a subscription began with: one per workspace. */
export const subscriptionTrials = pgTable(
  "subscription_trials",
  {
    tenantId: tenantId(),
    subscriptionId: text().notNull(),
    endsAt: instant().notNull(),
    createdAt: createdAt(),
    /** When it turned out that its card or its owner had a trial before; and when the subscription was ended for that. */
    refusedAt: instant(),
    endedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.subscriptionId] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Directory: which tenant's trial a mailbox or a card has had, as a keyed hash. */
export const trialSubjectDirectory = pgTable("trial_subject_directory", {
  subject: text().primaryKey(),
  tenant: text().notNull(),
});
