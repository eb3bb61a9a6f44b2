import { z } from "zod";

/** Who has not paid: `after` is `next` of the page before, an instant and an invoice. */
export const dunningInput = z.strictObject({
  after: z
    .string()
    .max(240)
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\|in_[A-Za-z0-9_]+$/)
    .refine((value) => !Number.isNaN(Date.parse(value.split("|")[0] ?? "")), "an instant and an invoice")
    .optional(),
});
export type DunningInput = z.input<typeof dunningInput>;
