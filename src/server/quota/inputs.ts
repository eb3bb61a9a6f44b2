import { z } from "zod";

/** Whole, above 0, and exact as a JavaScript number. */
export const unitsInput = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
export const featureInput = z.string().min(1).max(40);
export const keyInput = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, "An idempotency key is printable ASCII without spaces.");
const propertyInput = z.union([z.string().max(200), z.number().finite(), z.boolean()]);
export const propertiesInput = z
  .record(z.string().min(1).max(40), propertyInput)
  .refine((properties) => Object.keys(properties).length <= 20, "At most 20 properties.");

/** What a call on a shared meter cost, by kind of cost, in that kind's own whole units. */
export const costsInput = z
  .record(z.string().min(1).max(40), z.number().int().min(0).max(Number.MAX_SAFE_INTEGER))
  .refine((costs) => Object.keys(costs).length <= 20, "At most 20 kinds of cost.");

export const checkInput = z.strictObject({
  feature: featureInput,
  /** 1 when neither units nor costs are given. */
  units: unitsInput.optional(),
  costs: costsInput.optional(),
  confirmed: z.boolean().optional(),
});
export type CheckInput = z.input<typeof checkInput>;

export const consumeInput = z.strictObject({
  feature: featureInput,
  /** 1 when neither units nor costs are given. */
  units: unitsInput.optional(),
  /** For a feature that draws on a shared meter: its costs by kind. */
  costs: costsInput.optional(),
  /** The same key with the same request gives the stored receipt again; with another request, a conflict. */
  key: keyInput.optional(),
  /** Kept with the entry; part of what makes a request the same. */
  properties: propertiesInput.optional(),
  /** A person agreed to go past a limit that asks first. */
  confirmed: z.boolean().optional(),
  /** A denial leaves an entry too, so that it can be explained later. */
  recordDenial: z.boolean().optional(),
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

export const explainInput = z.strictObject({ entryId: z.string().min(1).max(60) });
export type ExplainInput = z.input<typeof explainInput>;

export const estimateInput = z.strictObject({ feature: featureInput });
export type EstimateInput = z.input<typeof estimateInput>;

/** Why somebody did it, for the audit trail. */
const reasonInput = z.string().trim().min(1).max(200);

export const acquireLeaseInput = z.strictObject({
  feature: featureInput,
  /** Names what runs: the same key gives the same lease again, also after it ended. */
  key: keyInput,
  /** How long it may go without a heartbeat; left out: the feature's `heartbeatSeconds`. */
  expiresInSeconds: z.number().int().min(1).max(86_400).optional(),
  /** Kept with the lease; part of what makes a request the same. */
  properties: propertiesInput.optional(),
  /** A person agreed to go past a limit that asks first. */
  confirmed: z.boolean().optional(),
});
export type AcquireLeaseInput = z.input<typeof acquireLeaseInput>;

export const leaseInput = z.strictObject({ leaseId: z.string().min(1).max(60) });
export type LeaseInput = z.input<typeof leaseInput>;

export const recountInput = z.strictObject({ feature: featureInput, reason: reasonInput });
export type RecountInput = z.input<typeof recountInput>;

/** What a recount found. */
export const countedInput = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const reserveInput = z.strictObject({
  feature: featureInput,
  /** 1 when neither units nor costs are given. */
  units: unitsInput.optional(),
  costs: costsInput.optional(),
  /** The same key with the same request gives the same hold again. */
  key: keyInput.optional(),
  /** After this the units are free again, whether or not anybody says so. */
  expiresInSeconds: z.number().int().min(1).max(86_400).default(900),
  /** What a commit above the hold does: draw the difference only whole, as far as it fits, or in any case. */
  overflow: z.enum(["reject", "cap", "overflow"]).default("reject"),
  properties: propertiesInput.optional(),
  /** A person agreed to go past a limit that asks first. */
  confirmed: z.boolean().optional(),
});
export type ReserveInput = z.input<typeof reserveInput>;

const entryIdInput = z.string().min(1).max(60);

export const commitInput = z.strictObject({
  holdId: entryIdInput,
  /** What was really used, in the meter's units; 0: nothing. Left out, and without costs: what was held. */
  units: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  costs: costsInput.optional(),
});
export type CommitInput = z.input<typeof commitInput>;

export const holdInput = z.strictObject({ holdId: entryIdInput });
export type HoldInput = z.input<typeof holdInput>;

export const refundInput = z.strictObject({
  /** Of the consume, hold or commit. */
  entryId: entryIdInput,
  /** Left out: all that was charged and not refunded yet. */
  units: unitsInput.optional(),
  key: keyInput,
  reason: reasonInput,
  /** Units whose window or lot is over: gone, or granted anew until the running window ends. */
  lapsed: z.enum(["forfeit", "regrant"]).default("forfeit"),
});
export type RefundInput = z.input<typeof refundInput>;
