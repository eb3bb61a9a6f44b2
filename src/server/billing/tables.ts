import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
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
import { amountMinor, createdAt, id, idText, instant, tenantId, units } from "../db/columns";

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

/** One purchase, whoever takes the money: what is bought stands in its lines, and it is fulfilled once. */
export const orders = pgTable(
  "orders",
  {
    tenantId: tenantId(),
    id: id(),
    status: text({
      enum: ["open", "fulfilled", "partially_refunded", "refunded", "disputed", "expired", "failed"],
    }).notNull(),
    origin: text({ enum: ["checkout", "auto_top_up"] }).notNull(),
    provider: text({ enum: ["stripe"] }).notNull(),
    currency: text().notNull(),
    /** The sum of the lines; once paid, what was really paid, with tax and less discounts. */
    totalMinor: amountMinor().notNull(),
    /** Of the total. */
    taxMinor: amountMinor().notNull().default(sql`0`),
    /** Stripe's payment intent (pi_…); null until paid, and for an order that cost nothing. */
    paymentId: text(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    /** When we learned that the money is there, and what was bought was given. */
    paidAt: instant(),
    fulfilledAt: instant(),
    failedReason: text(),
    /** Of the total: refunded, or with the bank while it is disputed, or lost to it. As of the last look. */
    moneyBackMinor: amountMinor().notNull().default(sql`0`),
    /** Wishes to look at its refunds and disputes, and the last wish that a look covers. */
    moneyBackAsked: integer().notNull().default(0),
    moneyBackSeen: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique("orders_one_per_payment").on(t.tenantId, t.paymentId),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
    check("orders_paid_when_fulfilled", sql`(${t.fulfilledAt} is null) = (${t.paidAt} is null)`),
  ],
);

const orderKey: [typeof orders.tenantId, typeof orders.id] = [orders.tenantId, orders.id];

/** One thing of an order: credits, or a plan for so many days. Written with the order and never changed. */
export const orderLines = pgTable(
  "order_lines",
  {
    tenantId: tenantId(),
    orderId: id(),
    /** 1, 2, … */
    line: integer().notNull(),
    kind: text({ enum: ["credits", "plan"] }).notNull(),
    /** What the receipt says: "500 credits". */
    name: text().notNull(),
    credits: units(),
    /** null: they don't expire. */
    creditsExpireAfterDays: integer(),
    planVersion: text(),
    /** Prepaid days; null for a plan that a subscription brings. */
    days: integer(),
    /** Before tax. */
    amountMinor: amountMinor().notNull(),
    /** The price at Stripe that charges it; null: the line itself says what it costs. */
    lookupKey: text(),
    /** Of `days`: given back because their money went back. */
    daysTakenBack: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId, t.line] }),
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: orderKey }).onDelete("cascade"),
    check("order_lines_days_taken_back", sql`${t.daysTakenBack} between 0 and coalesce(${t.days}, 0)`),
    check(
      "order_lines_sells_its_kind",
      sql`(${t.kind} = 'credits') = (${t.credits} is not null) and (${t.kind} = 'plan') = (${t.planVersion} is not null)`,
    ),
  ],
);

/** A hosted page we sent somebody to. One open page per tenant and purpose, however many tabs ask. */
export const checkouts = pgTable(
  "checkouts",
  {
    tenantId: tenantId(),
    id: id(),
    /** A subscription, maybe with credits beside it, or what is paid once. `credits`: a pack's page of former releases. */
    purpose: text({ enum: ["subscription", "order", "credits"] }).notNull(),
    /** What is bought, in short: `pro@1:month`, `standard@1:30d+credits:250`, or a pack's id. */
    item: text().notNull(),
    /** The order that a payment fulfils; null for a subscription alone. */
    orderId: idText(),
    /** All credits that it sells; null when it sells none. */
    credits: bigint({ mode: "number" }),
    /** Of pages of former releases, which have no order. */
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
    unique("checkouts_one_per_order").on(t.tenantId, t.orderId),
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: [orders.tenantId, orders.id] }),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** A subscription that its tenant agreed to end, for the days that an order sells to begin after it. Written before anybody pays. */
export const prepaidEnds = pgTable(
  "agreed_ends",
  {
    tenantId: tenantId(),
    orderId: id(),
    subscriptionId: text().notNull(),
    createdAt: createdAt(),
    /** When it was told to end, once the order was paid; null: not yet, and for an order that nobody pays never. */
    doneAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId] }),
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: [orders.tenantId, orders.id] }).onDelete(
      "cascade",
    ),
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
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: orderKey }).onDelete("cascade"),
  ],
);

/** Our copy of a refund (re_…) of an order, as of the last look. */
export const refunds = pgTable(
  "refunds",
  {
    tenantId: tenantId(),
    refundId: text().notNull(),
    orderId: id(),
    amountMinor: amountMinor().notNull(),
    /** Stripe's word; only what succeeded is back. */
    status: text().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId, t.refundId] }),
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: orderKey }).onDelete("cascade"),
  ],
);

/** Our copy of a dispute (du_…) of an order's payment, as of the last look. */
export const disputes = pgTable(
  "disputes",
  {
    tenantId: tenantId(),
    disputeId: text().notNull(),
    orderId: id(),
    amountMinor: amountMinor().notNull(),
    /** Stripe's word: see `money-back-rules.ts`. */
    status: text().notNull(),
    reason: text().notNull(),
    openedAt: instant().notNull(),
    /** When we learned that it was decided. */
    closedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.orderId, t.disputeId] }),
    foreignKey({ columns: [t.tenantId, t.orderId], foreignColumns: orderKey }).onDelete("cascade"),
  ],
);
