import { z } from "zod";

/** An instant as it stands in JSON, written by the app (`Z`) or by SQL (`+00:00`). */
const instant = z.iso.datetime({ offset: true });
/** Money in minor units as decimal text: JSON has no bigint. */
const minor = z.string().regex(/^-?\d+$/);
const currency = z.string().regex(/^[a-z]{3}$/);
const units = z.number().int();
/** `pro@3`; null: a plan of nobody's price list. */
const planVersion = z.string().nullable();
const limit = z.union([z.boolean(), units, z.literal("unlimited")]);
/** What a renewal costs from then on; null: nothing is charged by itself. */
const renewal = { amountMinor: minor.nullable(), currency, interval: z.enum(["month", "year"]) };
/** A page of the provider, or of ours, where a person pays. */
const payUrl = z.url({ protocol: /^https?$/ }).nullable();

/**
 * Every fact that wants an effect outside the database, by its type, with what is told of it. Whoever adds one is told by
 * the compiler which map lacks a letter for it (`notifications/letters.ts`).
 */
export const facts = {
  /** 80 or 100 % of a window's allowance are used. */
  "quota.threshold": z.object({
    feature: z.string(),
    percent: units,
    used: units,
    limit: units,
    windowStartsAt: instant,
  }),
  /** At its pace the allowance will be used up before it resets. */
  "quota.forecast": z.object({
    feature: z.string(),
    unitsPerDay: z.number(),
    allowanceEndsAt: instant,
    runsOutAt: instant.nullable(),
    resetsAt: instant,
    windowStartsAt: instant,
  }),
  /** Credits fell below the tenant's own mark. */
  "credits.low": z.object({ left: units, lowAt: units }),
  /** Credits that nobody spent will soon be gone. */
  "credits.expiring": z.object({ credits: units, expiresAt: instant }),
  /** Automatic top-ups stopped. */
  "credits.top_up_failed": z.object({
    orderId: z.string().nullable(),
    reason: z.string(),
    code: z.string(),
    message: z.string(),
    payUrl,
  }),
  /** Credits were spent that a later refund or dispute took back, and the workspace is stopped until they are paid for. */
  "credits.debt": z.object({ owed: units }),
  /** An order was paid and given. `automatic`: by a top-up. */
  "order.fulfilled": z.object({
    orderId: z.string(),
    totalMinor: minor,
    taxMinor: minor,
    currency,
    lines: z.array(z.object({ name: z.string(), amountMinor: minor })),
    automatic: z.boolean(),
  }),
  /** Money of an order went back, `amountMinor` of it this time. */
  "order.refunded": z.object({ orderId: z.string(), amountMinor: minor, currency }),
  /** The card's owner disputes a payment, or the bank has decided. */
  "order.disputed": z.object({
    orderId: z.string(),
    amountMinor: minor,
    currency,
    status: z.enum(["open", "won", "lost"]),
  }),
  "billing.invoice_paid": z.object({
    invoiceId: z.string(),
    number: z.string().nullable(),
    totalMinor: minor,
    currency,
    /** The hosted invoice; null: none. */
    url: payUrl,
  }),
  /** A credit note took `amountMinor` off an invoice: refunded, kept for the next invoices, or simply not to be paid any more. */
  "billing.invoice_credited": z.object({
    invoiceId: z.string(),
    number: z.string().nullable(),
    currency,
    amountMinor: minor,
    refundedMinor: minor,
    balanceMinor: minor,
    unpaidMinor: minor,
    /** The note itself; null: none. */
    url: payUrl,
  }),
  /** An invoice beside the plan wants to be paid. `dueAt` null: at once, since the card was not charged. */
  "billing.invoice_due": z.object({
    invoiceId: z.string(),
    number: z.string().nullable(),
    totalMinor: minor,
    currency,
    dueAt: instant.nullable(),
    payUrl,
  }),
  /** A renewal was not paid. `graceEndsAt`: until then everything works as before. */
  "billing.payment_failed": z.object({
    amountMinor: minor,
    currency,
    payUrl,
    nextAttemptAt: instant.nullable(),
    graceEndsAt: instant.nullable(),
  }),
  /** A further step of an unpaid renewal. `endsAt`: when the plan falls to the free one; null: it did. */
  "billing.past_due": z.object({
    amountMinor: minor,
    currency,
    payUrl,
    step: z.enum(["purchases_stopped", "plan_ended"]),
    endsAt: instant.nullable(),
  }),
  "billing.plan_changed": z.object({
    from: planVersion,
    fromInterval: z.enum(["month", "year"]).nullable(),
    to: planVersion,
    interval: z.enum(["month", "year"]),
    amountMinor: minor,
    currency,
    renewsAt: instant,
  }),
  /** Everyone on a version of a plan is moved to another one of it: from `at` on. */
  "billing.plan_moving": z.object({
    from: z.string(),
    to: z.string(),
    at: instant,
    ...renewal,
    /** What the plan allows, where that changes. */
    changes: z.array(
      z.object({ name: z.string(), unit: z.string().nullable(), before: limit, after: limit }),
    ),
  }),
  "billing.plan_moved": z.object({ from: z.string(), to: z.string(), ...renewal }),
  /** What was told of a move comes to nothing: the workspace stays on `plan`. */
  "billing.plan_move_undone": z.object({ plan: z.string(), instead: z.string() }),
  /**
   * `amountMinor`: what is charged then; null: nothing, the plan just ends. `begins`: no trial, but a subscription that waits
   * for days that were paid ahead to be over.
   */
  "billing.trial_ending": z.object({
    plan: planVersion,
    daysLeft: units,
    endsAt: instant,
    amountMinor: minor.nullable(),
    currency,
    begins: z.boolean().optional(),
  }),
  /** A plan that was paid ahead is about to end, or a subscription that was cancelled. */
  "billing.plan_ending": z.object({
    plan: planVersion,
    daysLeft: units,
    endsAt: instant,
    cancelled: z.boolean(),
  }),
} as const;

export type FactType = keyof typeof facts;
export type Facts = { [T in FactType]: z.infer<(typeof facts)[T]> };

export const factTypes = Object.keys(facts) as FactType[];
