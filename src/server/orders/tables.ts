import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  foreignKey,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { amountMinor, createdAt, id, idText, instant, tenantId, units } from "../db/columns";

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
