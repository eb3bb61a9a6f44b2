import { z } from "zod";

/** What operators look through: `before` is `next` of the page before. */
export const driftInput = z.strictObject({
  state: z.enum(["open", "healed"]).optional(),
  before: z
    .string()
    .max(64)
    .regex(/^dri_\w+$/)
    .optional(),
});
export type DriftInput = z.input<typeof driftInput>;
