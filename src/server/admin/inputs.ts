import { z } from "zod";
import {
  awaitCreditsInput,
  code,
  correctCreditsInput,
  createCodeInput,
  grantedCredits,
  instantInput,
} from "../credits/inputs";

/** One deed per key, and why it was done. */
const deed = {
  key: z
    .string()
    .min(1)
    .max(150)
    .regex(/^[\x21-\x7e]+$/, "printable ASCII without spaces"),
  reason: z.string().trim().min(1).max(500),
};
const before = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\w-]+$/, "the last one of the page before")
  .optional();

export const grantInput = z.strictObject({
  ...deed,
  credits: grantedCredits,
  kind: z.enum(["promo", "trial", "compensation", "adjustment"]),
  expiresAt: instantInput.optional(),
});
export type OperatorGrantInput = z.input<typeof grantInput>;

export const compensateInput = grantInput.omit({ kind: true });
export type CompensateInput = z.input<typeof compensateInput>;

export const correctInput = correctCreditsInput.extend(deed);
export type CorrectInput = z.input<typeof correctInput>;

export const makeCodeInput = createCodeInput.safeExtend(deed);
export type MakeCodeInput = z.input<typeof makeCodeInput>;

export const stopCodeInput = z.strictObject({ ...deed, code });
export type StopCodeInput = z.input<typeof stopCodeInput>;

export const keepForInput = awaitCreditsInput.extend(deed);
export type KeepForInput = z.input<typeof keepForInput>;

export const withdrawInput = z.strictObject({ ...deed, id: z.string().min(1).max(40).regex(/^\w+$/) });
export type WithdrawInput = z.input<typeof withdrawInput>;

export const pageInput = z.strictObject({ before });
