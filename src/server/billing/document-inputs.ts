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
