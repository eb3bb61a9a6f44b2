import { z } from "zod";
import { line } from "../billing/inputs";

const invoiceId = z.string().regex(/^in_[A-Za-z0-9_]{1,200}$/);

/** One deed per key, and why it is done. */
const deed = {
  key: z.string().min(1).max(150),
  reason: z.string().trim().min(1).max(500),
};

/** More than anybody means, and far below what Stripe and a bigint can hold. */
const MAX_MINOR = 10_000_000_000;

/**
 * Money of an order to be given back: `amountMinor` of its currency's minor units, or all that is left. `key` names the
 * wish: the same one again refunds nothing more.
 */
export const refundOrderInput = z.strictObject({
  orderId: z.string().min(1).max(40),
  amountMinor: z.number().int().min(1).max(MAX_MINOR).optional(),
  reason: z.string().trim().min(1).max(500),
  key: z.string().min(1).max(150),
});
export type RefundOrderInput = z.input<typeof refundOrderInput>;

/**
 * Part of an invoice, or all that is left of it, to be credited: `amountMinor` of its currency's minor units. What was
 * paid goes back to the payer, or stays for the next invoices. `memo` is what the credit note says. The plan stays unless
 * said otherwise.
 */
export const creditInvoiceInput = z.strictObject({
  ...deed,
  invoiceId,
  amountMinor: z.number().int().min(1).max(MAX_MINOR).optional(),
  give: z.enum(["refund", "balance"]).default("refund"),
  memo: line(200).min(1).optional(),
  plan: z.enum(["keep", "ends_now", "ends_at_period_end"]).default("keep"),
});
export type CreditInvoiceInput = z.input<typeof creditInvoiceInput>;

/** More lines than this belong into a document of their own. */
const MAX_LINES = 20;

const MAX_QUANTITY = 10_000;

const MAX_DUE_DAYS = 365;

/**
 * An invoice beside the plan: what for, in minor units of the price list's currency for each, and in how many days it is
 * due. `null`: the card on file is charged at once.
 */
export const addOnInvoiceInput = z.strictObject({
  ...deed,
  lines: z
    .array(
      z.strictObject({
        name: line(150).min(1),
        amountMinor: z.number().int().min(1).max(100_000_000),
        quantity: z.number().int().min(1).max(MAX_QUANTITY).default(1),
      }),
    )
    .min(1)
    .max(MAX_LINES)
    .refine(
      (lines) => lines.reduce((sum, one) => sum + one.amountMinor * one.quantity, 0) <= MAX_MINOR / 100,
      "more than an invoice can hold",
    ),
  dueInDays: z.number().int().min(1).max(MAX_DUE_DAYS).nullable(),
});
export type AddOnInvoiceInput = z.input<typeof addOnInvoiceInput>;

export const voidInvoiceInput = z.strictObject({ ...deed, invoiceId });
export type VoidInvoiceInput = z.input<typeof voidInvoiceInput>;
