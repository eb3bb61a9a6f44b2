import { z } from "zod";
import { isTimeZone } from "@/lib/time";

const featureInput = z.string().min(1).max(40);
/** Why somebody did it, for the audit trail. */
const reasonInput = z.string().trim().min(1).max(200);

export const setOverrideInput = z.strictObject({
  feature: featureInput,
  /** Of the feature's kind, as a plan would say it: true, 500, "unlimited". */
  limit: z.union([z.boolean(), z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), z.literal("unlimited")]),
  reason: reasonInput,
  /** Left out or null: until it is ended. */
  expiresAt: z.date().nullable().optional(),
});
export type SetOverrideInput = z.input<typeof setOverrideInput>;

export const endOverrideInput = z.strictObject({ feature: featureInput, reason: reasonInput });
export type EndOverrideInput = z.input<typeof endOverrideInput>;

export const setSpendCapInput = z.strictObject({
  feature: featureInput,
  /** Minor units of the price list's currency per window; null: no ceiling. */
  capMinor: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable(),
});
export type SetSpendCapInput = z.input<typeof setSpendCapInput>;

export const blockInput = z.strictObject({ reason: reasonInput });
export type BlockInput = z.input<typeof blockInput>;

export const setTimeZoneInput = z.strictObject({
  timeZone: z.string().max(60).refine(isTimeZone, "An IANA time zone, such as Europe/Berlin."),
});
export type SetTimeZoneInput = z.input<typeof setTimeZoneInput>;
