import { sql } from "drizzle-orm";
import {
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
import { orders } from "../orders/tables";

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
      enum: ["declined", "authentication_required", "no_card", "refused", "pack_changed", "money_back"],
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
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: [orders.tenantId, orders.id] }).onDelete(
      "cascade",
    ),
  ],
);
