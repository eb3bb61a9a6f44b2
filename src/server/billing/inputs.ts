import { z } from "zod";

const idInput = z.string().min(1).max(40);

/** What to buy: a plan for an interval, or a pack of credits. */
export const checkoutInput = z.union([
  z.strictObject({ plan: idInput, interval: z.enum(["month", "year"]).default("month") }),
  z.strictObject({ pack: idInput }),
]);
export type CheckoutInput = z.input<typeof checkoutInput>;

/** The session that Stripe put into the return page's address. */
export const returnInput = z.strictObject({ sessionId: z.string().regex(/^cs_[A-Za-z0-9_]{1,200}$/) });
export type ReturnInput = z.input<typeof returnInput>;

/** More than anybody means, and far below what Stripe and a bigint can hold. */
const MAX_CREDITS = 1_000_000_000;
const MAX_MINOR = 10_000_000_000;

/**
 * Automatic purchases: below `threshold` credits one `pack` is bought, for at most `monthlyCapMinor` (minor units of
 * the list's currency) in a calendar month of the workspace's time zone.
 */
export const setAutoTopUpInput = z.discriminatedUnion("enabled", [
  z.strictObject({ enabled: z.literal(false) }),
  z.strictObject({
    enabled: z.literal(true),
    threshold: z.number().int().min(1).max(MAX_CREDITS),
    pack: idInput,
    monthlyCapMinor: z.number().int().min(1).max(MAX_MINOR),
  }),
]);
export type SetAutoTopUpInput = z.input<typeof setAutoTopUpInput>;
