import { z } from "zod";
import { idInput } from "../orders/inputs";

/** The session that Stripe put into the return page's address. */
export const returnInput = z.strictObject({ sessionId: z.string().regex(/^cs_[A-Za-z0-9_]{1,200}$/) });
export type ReturnInput = z.input<typeof returnInput>;

export const previewChangeInput = z.strictObject({ plan: idInput, interval: z.enum(["month", "year"]) });
export type PreviewChangeInput = z.input<typeof previewChangeInput>;

/** `preview` is the name that `previewChange` gave the look that is confirmed. */
export const changePlanInput = previewChangeInput.extend({ preview: z.string().min(1).max(60) });
export type ChangePlanInput = z.input<typeof changePlanInput>;

/** As a person types it; upper and lower case are the same. */
export const redeemCodeInput = z.strictObject({
  code: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9-]{1,100}$/, "A code has letters, digits and dashes."),
});
export type RedeemCodeInput = z.input<typeof redeemCodeInput>;

/** Why somebody leaves, in Stripe's words. */
export const CANCEL_REASONS = [
  "too_expensive",
  "missing_features",
  "unused",
  "switched_service",
  "customer_service",
  "low_quality",
  "too_complex",
  "other",
] as const;

/** At once what is left of the period is lost; at its end everything works until then. */
export const cancelInput = z.strictObject({
  when: z.enum(["now", "period_end"]),
  reason: z.enum(CANCEL_REASONS),
  comment: z.string().trim().max(500).optional(),
});
export type CancelInput = z.input<typeof cancelInput>;

/** Left out: for as long as the plan allows. */
export const pauseInput = z.strictObject({ until: z.date().optional() }).default({});
export type PauseInput = z.input<typeof pauseInput>;

export const paymentMethodInput = z.strictObject({ id: z.string().regex(/^pm_[A-Za-z0-9_]{1,200}$/) });
export type PaymentMethodInput = z.input<typeof paymentMethodInput>;

/** One line as people write it into a form. @param max characters */
export const line = (max: number) =>
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
