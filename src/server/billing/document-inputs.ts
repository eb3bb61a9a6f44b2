import { z } from "zod";

/** One line as people write it into a form. @param max characters */
const line = (max: number) =>
  z
    .string()
    .trim()
    .max(max)
    .regex(/^\P{Cc}*$/u, "no control characters");
const country = z.string().regex(/^[A-Z]{2}$/, "two capital letters, as in DE");

/** Whom invoices are for. Empty parts of an address are left out of it; null: no address. */
export const updateDetailsInput = z.strictObject({
  name: line(150).min(1),
  email: z.email().max(254),
  address: z
    .strictObject({
      line1: line(200).min(1),
      line2: line(200).default(""),
      city: line(100).default(""),
      state: line(100).default(""),
      postalCode: line(20).default(""),
      country,
    })
    .nullable(),
});
export type UpdateDetailsInput = z.input<typeof updateDetailsInput>;

/** `type` in Stripe's word, such as `eu_vat`. */
export const addTaxIdInput = z.strictObject({
  type: z.string().regex(/^[a-z]{2}_[a-z]{2,12}(_[a-z]{2,12})?$/),
  value: line(40).min(1),
});
export type AddTaxIdInput = z.input<typeof addTaxIdInput>;

export const taxIdInput = z.strictObject({ id: z.string().regex(/^txi_[A-Za-z0-9]{1,200}$/) });
export type TaxIdInput = z.input<typeof taxIdInput>;

const invoiceId = z.string().regex(/^in_[A-Za-z0-9_]{1,200}$/);
/** One deed per key, and why it is done. */
const deed = {
  key: z.string().min(1).max(150),
  reason: z.string().trim().min(1).max(500),
};
/** More than anybody means, and far below what Stripe and a bigint can hold. */
const MAX_MINOR = 10_000_000_000;

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
