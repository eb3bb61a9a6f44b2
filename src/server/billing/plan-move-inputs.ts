import { z } from "zod";

/** `pro@3`. */
const versionInput = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9_]*@[1-9]\d{0,5}$/, "a version, such as pro@3");

export const rehearsePlanInput = z.strictObject({ to: versionInput });
export type RehearsePlanInput = z.input<typeof rehearsePlanInput>;

const tenantInput = z
  .string()
  .max(40)
  .regex(/^ten_\w+$/);

/** A page of the list behind a rehearsal: `after` is `next` of the page before. */
export const rehearsedTenantsInput = z.strictObject({
  to: versionInput,
  after: tenantInput.or(z.literal("")).default(""),
  limit: z.number().int().min(1).max(200).default(50),
});
export type RehearsedTenantsInput = z.input<typeof rehearsedTenantsInput>;
