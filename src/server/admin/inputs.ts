import { z } from "zod";
import * as backOffice from "../back-office/inputs";
import * as credits from "../credits/inputs";
import * as entitlements from "../entitlements/inputs";
import * as planMoves from "../plan-moves/inputs";
import * as quota from "../quota/inputs";
import * as webhooks from "../webhooks/inputs";

/** One deed per key, and why it was done. */
const deed = {
  key: z
    .string()
    .min(1)
    .max(150)
    .regex(/^[\x21-\x7e]+$/, "printable ASCII without spaces"),
  reason: z.string().trim().min(1).max(200),
};
const before = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/, "the last one of the page before")
  .optional();

export const grantInput = z.strictObject({
  ...deed,
  credits: credits.grantedCredits,
  kind: z.enum(["promo", "trial", "compensation", "adjustment"]),
  expiresAt: credits.instantInput.optional(),
});
export type GrantInput = z.input<typeof grantInput>;

export const compensateInput = grantInput.omit({ kind: true });
export type CompensateInput = z.input<typeof compensateInput>;

export const correctInput = credits.correctCreditsInput.extend(deed);
export type CorrectInput = z.input<typeof correctInput>;

export const refundOrderInput = backOffice.refundOrderInput.extend(deed);

export const addOnInvoiceInput = backOffice.addOnInvoiceInput.extend(deed);

export const voidInvoiceInput = backOffice.voidInvoiceInput.extend(deed);

export const creditInvoiceInput = backOffice.creditInvoiceInput.extend(deed);

export const refundUsageInput = quota.refundInput.extend(deed);
export type RefundUsageInput = z.input<typeof refundUsageInput>;

export const setOverrideInput = entitlements.setOverrideInput.extend(deed);
export type SetOverrideInput = z.input<typeof setOverrideInput>;

export const endOverrideInput = entitlements.endOverrideInput.extend(deed);
export type EndOverrideInput = z.input<typeof endOverrideInput>;

export const suspendInput = z.strictObject(deed);
export type SuspendInput = z.input<typeof suspendInput>;

export const setTimeZoneInput = entitlements.setTimeZoneInput.extend(deed);
export type SetTimeZoneInput = z.input<typeof setTimeZoneInput>;

export const movePlanInput = planMoves.movePlanInput.safeExtend(deed);
export type MovePlanInput = z.input<typeof movePlanInput>;

export const undoMoveInput = planMoves.undoMoveInput.extend(deed);
export type UndoMoveInput = z.input<typeof undoMoveInput>;

export const keepVersionInput = planMoves.keepVersionInput.extend(deed);
export type KeepVersionInput = z.input<typeof keepVersionInput>;

export const createCodeInput = credits.createCodeInput.safeExtend(deed);
export type CreateCodeInput = z.input<typeof createCodeInput>;

export const endCodeInput = z.strictObject({ ...deed, code: credits.code });
export type EndCodeInput = z.input<typeof endCodeInput>;

export const awaitCreditsInput = credits.awaitCreditsInput.extend(deed);
export type AwaitCreditsInput = z.input<typeof awaitCreditsInput>;

export const withdrawAwaitedInput = z.strictObject({
  ...deed,
  id: z.string().min(1).max(40).regex(/^\w+$/),
});
export type WithdrawAwaitedInput = z.input<typeof withdrawAwaitedInput>;

export const pageInput = z.strictObject({ before });

export const replayWebhooksInput = z.union([
  webhooks.replayNamedInput.extend(deed),
  webhooks.replayFoundInput.extend(deed),
]);
export type ReplayWebhooksInput = z.input<typeof replayWebhooksInput>;
