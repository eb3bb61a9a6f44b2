import { z } from "zod";

const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;

/** The newest invoices, or those after `cursor` (the answer's `next`). */
export const invoicesInput = z
  .strictObject({
    cursor: z
      .string()
      .regex(/^in_[A-Za-z0-9_]{1,200}$/)
      .optional(),
    limit: z.number().int().min(1).max(MAX_PAGE_SIZE).default(PAGE_SIZE),
  })
  .default({ limit: PAGE_SIZE });
export type InvoicesInput = z.input<typeof invoicesInput>;

export const invoiceInput = z.strictObject({ invoiceId: z.string().regex(/^in_[A-Za-z0-9_]{1,200}$/) });
export type InvoiceInput = z.input<typeof invoiceInput>;
