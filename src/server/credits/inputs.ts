import { z } from "zod";
import { MOVEMENT_GROUPS, readCursor } from "./rules";

/** "credits", or a meter's id. */
const unit = z
  .string()
  .max(40)
  .regex(/^[a-z][a-z0-9_]*$/, "an id of the price list")
  .default("credits");

/** Within what ids can tell of time. */
const day = z.iso.date().refine((date) => date.startsWith("20"), "a day of this century");

export const balanceInput = z.strictObject({ unit });
export type BalanceInput = z.input<typeof balanceInput>;

export const historyInput = z.strictObject({
  unit,
  group: z.enum(MOVEMENT_GROUPS).optional(),
  /** Calendar days in the workspace's time zone, both included. */
  from: day.optional(),
  to: day.optional(),
  cursor: z
    .string()
    .max(100)
    .refine((text) => readCursor(text) !== null, "not a cursor of a history")
    .optional(),
  limit: z.number().int().min(1).max(1_000).default(50),
});
export type HistoryInput = z.input<typeof historyInput>;

export const statementInput = z.strictObject({
  unit,
  /** `2026-11`, in the workspace's time zone. Left out: the running month. */
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/, "a month is YYYY-MM")
    .optional(),
});
export type StatementInput = z.input<typeof statementInput>;

export const ledgerPageInput = z.strictObject({
  cursor: z.string().min(1).max(60).optional(),
  limit: z.number().int().min(1).max(200).default(50),
  feature: z.string().min(1).max(40).optional(),
});
export type LedgerPageInput = z.input<typeof ledgerPageInput>;
