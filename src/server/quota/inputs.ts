import { z } from "zod";

/** Whole, above 0, and exact as a JavaScript number. */
export const unitsInput = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const featureInput = z.string().min(1).max(40);
const keyInput = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, "An idempotency key is printable ASCII without spaces.");
const propertyInput = z.union([z.string().max(200), z.number().finite(), z.boolean()]);
const propertiesInput = z
  .record(z.string().min(1).max(40), propertyInput)
  .refine((properties) => Object.keys(properties).length <= 20, "At most 20 properties.");

export const checkInput = z.strictObject({ feature: featureInput, units: unitsInput.default(1) });
export type CheckInput = z.input<typeof checkInput>;

export const consumeInput = z.strictObject({
  feature: featureInput,
  units: unitsInput.default(1),
  /** The same key with the same request gives the stored receipt again; with another request, a conflict. */
  key: keyInput.optional(),
  /** Kept with the entry; part of what makes a request the same. */
  properties: propertiesInput.optional(),
});
export type ConsumeInput = z.input<typeof consumeInput>;

export const releaseInput = z.strictObject({
  feature: featureInput,
  units: unitsInput.default(1),
  key: keyInput,
});
export type ReleaseInput = z.input<typeof releaseInput>;

export const usageInput = z.strictObject({
  feature: featureInput,
  days: z.number().int().min(1).max(366).default(30),
});
export type UsageInput = z.input<typeof usageInput>;
