import { sql } from "drizzle-orm";
import { foreignKey, index, integer, jsonb, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { tenants } from "../accounts/tables";
import { amountMinor, createdAt, id, idText, instant, tenantId } from "../db/columns";

/**
 * Our copy of each final invoice, as of the last look. News of one counts `asked` up, and the next sync looks at those
 * that were asked for since they were last seen; until the first look there is nothing but that.
 */
export const invoices = pgTable(
  "invoices",
  {
    tenantId: tenantId(),
    invoiceId: text().notNull(),
    /** Stripe's word; `deleted`: it knows none of that id. null: never looked at. */
    status: text(),
    subscriptionId: text(),
    /** pi_…, once it is paid by one. */
    paymentId: text(),
    currency: text(),
    totalMinor: amountMinor(),
    /** What is still to be paid, and what credit notes have taken off. */
    dueMinor: amountMinor(),
    creditedMinor: amountMinor(),
    createdAt: instant(),
    paidAt: instant(),
    asked: integer().notNull(),
    seen: integer().notNull(),
    syncedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.invoiceId] }),
    index("invoices_asked").on(t.tenantId).where(sql`asked > seen`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** One line of an invoice beside the plan, in minor units for each. */
export interface AddOnLine {
  name: string;
  amountMinor: number;
  quantity: number;
}

/** A credit of an invoice that an operator wished for, written before Stripe is asked. One per key. */
export const invoiceCredits = pgTable(
  "invoice_credits",
  {
    tenantId: tenantId(),
    id: id(),
    key: idText().notNull(),
    /** `issued`: what is to follow, such as the plan's end, may be under way. `failed`: Stripe refused it, and would again. */
    status: text({ enum: ["asked", "issued", "failed"] }).notNull(),
    invoiceId: text().notNull(),
    amountMinor: amountMinor().notNull(),
    currency: text().notNull(),
    /** Of a paid invoice: back to the payer, or kept for the next invoices. `nothing`: it was not paid, and less of it is owed. */
    give: text({ enum: ["refund", "balance", "nothing"] }).notNull(),
    /** The invoice's payment (pi_…), whose refund it is. */
    paymentId: text(),
    /** What the credit note says to its reader. */
    memo: text(),
    /** What becomes of the subscription. */
    plan: text({ enum: ["keep", "ends_now", "ends_at_period_end"] }).notNull(),
    subscriptionId: text(),
    /** cn_… */
    creditNoteId: text(),
    failedReason: text(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    finishedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique().on(t.tenantId, t.key),
    index("invoice_credits_unfinished").on(t.tenantId).where(sql`finished_at is null`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);

/** An invoice beside the plan that an operator wished for, written before Stripe is asked. One per key. */
export const addOnInvoices = pgTable(
  "add_on_invoices",
  {
    tenantId: tenantId(),
    id: id(),
    key: idText().notNull(),
    /** `asked`: not final at Stripe yet. From then on Stripe's word. `failed`: Stripe refused it, and would again. */
    status: text({ enum: ["asked", "open", "paid", "void", "uncollectible", "failed"] }).notNull(),
    lines: jsonb().$type<readonly AddOnLine[]>().notNull(),
    currency: text().notNull(),
    /** null: the card on file is charged at once. */
    dueInDays: integer(),
    /** in_…, as soon as there is a draft, and what it came to with tax. */
    invoiceId: text(),
    totalMinor: amountMinor(),
    dueAt: instant(),
    /** Written before Stripe is asked to void it. */
    voidAskedAt: instant(),
    failedReason: text(),
    createdBy: text().notNull(),
    createdAt: createdAt(),
    finishedAt: instant(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique().on(t.tenantId, t.key),
    unique().on(t.tenantId, t.invoiceId),
    index("add_on_invoices_unsettled")
      .on(t.tenantId)
      .where(sql`status in ('asked', 'open', 'uncollectible')`),
    foreignKey({ columns: [t.tenantId], foreignColumns: [tenants.tenantId] }).onDelete("cascade"),
  ],
);
