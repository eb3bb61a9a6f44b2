import { bigint, boolean, foreignKey, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { createdAt, instant, tenantId } from "../db/columns";

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

/** Which Stripe price carries which plan version or pack: written by `npm run plans -- push`. Global. */
export const stripePrices = pgTable("stripe_prices", {
  priceId: text().primaryKey(),
  /** `pro@1:month`, or `pack:credits_100:500:usd`. */
  lookupKey: text().notNull().unique(),
  productId: text().notNull(),
  livemode: boolean().notNull(),
  createdAt: createdAt(),
});
