import { z } from "zod";
import { idInput } from "../orders/inputs";

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
