import { z } from "zod";

export const balanceInput = z.strictObject({ unit: z.string().min(1).max(40).default("credits") });
export type BalanceInput = z.input<typeof balanceInput>;

export const ledgerPageInput = z.strictObject({
  cursor: z.string().min(1).max(60).optional(),
  limit: z.number().int().min(1).max(200).default(50),
  feature: z.string().min(1).max(40).optional(),
});
export type LedgerPageInput = z.input<typeof ledgerPageInput>;
