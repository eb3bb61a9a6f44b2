import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { amountMinor, createdAt, id, instant, tenantId, units } from "../db/columns";

/** A tenant's one Stripe customer. `requested`/`synced` and the lease make syncs of one customer take turns. */
export const customers = pgTable(
  "customers",
  {
    tenantId: tenantId(),
    /** null until Stripe has answered. */
    customerId: text(),
    createdAt: createdAt(),
    /** Grows with every wish for a sync; `synced` is the last wish that a finished sync has covered. */
    requested: bigint({ mode: "number" }).notNull().default(0),
    synced: bigint({ mode: "number" }).notNull().default(0),
    /** The database's own clock: a lease is about processes, not about business time. */
    leaseEndsAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId] }),
    unique().on(t.tenantId, t.customerId),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Directory: which tenant a Stripe customer belongs to. The only way an event finds its tenant. */
export const customerDirectory = pgTable("customer_directory", {
  customerId: text().primaryKey(),
  tenant: text().notNull(),
});

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
    currency: text().notNull(),
    amountMinor: amountMinor().notNull(),
    currentPeriodStartsAt: instant().notNull(),
    currentPeriodEndsAt: instant().notNull(),
    billingAnchorAt: instant().notNull(),
    /** When it will end, if that is decided. */
    cancelAt: instant(),
    canceledAt: instant(),
    endedAt: instant(),
    trialEndsAt: instant(),
    syncedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.subscriptionId] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** A hosted page we sent somebody to. One open page per tenant and purpose, however many tabs ask. */
export const checkouts = pgTable(
  "checkouts",
  {
    tenantId: tenantId(),
    id: id(),
    purpose: text({ enum: ["subscription", "credits"] }).notNull(),
    /** What is bought: `pro@1:month` or a pack's id. */
    item: text().notNull(),
    /** Credits that a paid `credits` checkout grants. */
    credits: bigint({ mode: "number" }),
    creditsExpireAfterDays: bigint({ mode: "number" }),
    status: text({ enum: ["open", "complete", "expired"] }).notNull(),
    sessionId: text(),
    url: text(),
    expiresAt: instant().notNull(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    completedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique().on(t.tenantId, t.sessionId),
    uniqueIndex("checkouts_one_open").on(t.tenantId, t.purpose).where(sql`status = 'open'`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** Which Stripe price carries which plan version or pack: written by `npm run plans -- push`. Global. */
export const stripePrices = pgTable("stripe_prices", {
  priceId: text().primaryKey(),
  /** `pro@1:month`, or `pack:credits_100:500:usd`. */
  lookupKey: text().notNull().unique(),
  productId: text().notNull(),
  livemode: boolean().notNull(),
  createdAt: createdAt(),
});

/** What a tenant agreed to: below the threshold, this pack at this price, up to so much a month. */
export const autoTopUps = pgTable(
  "auto_top_ups",
  {
    tenantId: tenantId(),
    /** null: off, or stopped. */
    enabledAt: instant(),
    /** Credits; below this a pack is bought. */
    threshold: units().notNull(),
    packId: text().notNull(),
    /** The pack as it was when the tenant agreed: a dearer or smaller one is not bought. */
    credits: units().notNull(),
    priceMinor: amountMinor().notNull(),
    currency: text().notNull(),
    /** The most that one calendar month's top-ups cost, in the tenant's time zone. */
    monthlyCapMinor: amountMinor().notNull(),
    /** When a failure stopped it, for which order, and why; null again once a person turns it on or off. */
    stoppedAt: instant(),
    stoppedOrderId: text(),
    stoppedReason: text({
      enum: ["declined", "authentication_required", "no_card", "refused", "pack_changed"],
    }),
    /** Stripe's code, such as `insufficient_funds`, and words for the tenant. */
    stoppedCode: text(),
    stoppedMessage: text(),
    /** The card that was there last time we looked, for people to recognise. */
    cardBrand: text(),
    cardLast4: text(),
    updatedBy: text().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** One automatic purchase of a pack, written before Stripe is asked. At most one a tenant is under way. */
export const topUpAttempts = pgTable(
  "top_up_attempts",
  {
    tenantId: tenantId(),
    orderId: id(),
    /** `abandoned`: no longer wanted before the card was charged. */
    status: text({ enum: ["in_flight", "paid", "failed", "abandoned"] }).notNull(),
    amountMinor: amountMinor().notNull(),
    currency: text().notNull(),
    credits: units().notNull(),
    /** The card and the payment intent (pi_…), as soon as they are known. The card is charged by this intent or never. */
    paymentMethodId: text(),
    paymentId: text(),
    /** Part of the keys that Stripe remembers: counted up when an answer has used one up. */
    keyNumber: integer().notNull().default(1),
    tries: integer().notNull().default(0),
    failedReason: text(),
    failedMessage: text(),
    /** Whoever works on it is alone until then, by the database's own clock. */
    leaseEndsAt: instant(),
    createdAt: createdAt(),
    finishedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId] }),
    unique().on(t.tenantId, t.paymentId),
    uniqueIndex("top_up_attempts_one_in_flight").on(t.tenantId).where(sql`status = 'in_flight'`),
    index("top_up_attempts_by_month").on(t.tenantId, t.createdAt),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
