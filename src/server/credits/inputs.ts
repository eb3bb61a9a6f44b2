import { z } from "zod";
import { mailboxOf } from "../accounts/mailbox";
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

const MAX_CREDITS = 1_000_000_000;
const DAYS = z.number().int().min(1).max(36_500);
export const grantedCredits = z.number().int().min(1).max(MAX_CREDITS);
export const instantInput = z
  .date()
  .refine((at) => at.getTime() > 0 && at.getUTCFullYear() < 2200, "an instant between 1970 and 2200");

/** Letters in any case, digits and dashes; it is kept, and compared, in upper case. */
export const code = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{3,63}$/, "4 to 64 letters, digits and dashes")
  .transform((text) => text.toUpperCase());

export const redeemInput = z.strictObject({ code });
export type RedeemInput = z.input<typeof redeemInput>;

export const createCodeInput = z
  .strictObject({
    code,
    kind: z.enum(["promo", "trial"]).default("promo"),
    credits: grantedCredits,
    /** Left out: now. */
    validFrom: instantInput.optional(),
    validUntil: instantInput.optional(),
    /** What was redeemed lasts so long, or until then; neither: for good. */
    lotExpiresAfterDays: DAYS.optional(),
    lotExpiresAt: instantInput.optional(),
    maxRedemptions: z.number().int().min(1).max(1_000_000_000).optional(),
    reason: z.string().trim().min(1).max(500),
  })
  .refine(
    (one) => !one.lotExpiresAfterDays || !one.lotExpiresAt,
    "lotExpiresAfterDays or lotExpiresAt, not both",
  );
export type CreateCodeInput = z.input<typeof createCodeInput>;

/** Read as sign-in reads it, or nobody could ever prove that it is theirs. */
const email = z.string().transform((text, { addIssue }) => {
  const mailbox = mailboxOf(text);
  if (mailbox === null) addIssue("one plain e-mail address");
  return mailbox ?? z.NEVER;
});

export const awaitCreditsInput = z.strictObject({
  email,
  credits: grantedCredits,
  kind: z.enum(["promo", "trial", "compensation", "adjustment"]).default("promo"),
  lotExpiresAfterDays: DAYS.optional(),
  /** Not claimed by then, they are gone. */
  expiresAt: instantInput.optional(),
  reason: z.string().trim().min(1).max(500),
});
export type AwaitCreditsInput = z.input<typeof awaitCreditsInput>;

export const correctCreditsInput = z.strictObject({
  credits: grantedCredits,
  /** Left out: of the newest grants. */
  lotId: z.string().min(1).max(60).optional(),
  reason: z.string().trim().min(1).max(500),
});
export type CorrectCreditsInput = z.input<typeof correctCreditsInput>;
