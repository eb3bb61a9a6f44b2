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

const moveId = z
  .string()
  .max(40)
  .regex(/^mov_\w+$/);
const slug = z.string().min(1).max(64);

/**
 * Whom to move from where to where, or the next stage of a move that is under way: `share` of a hundred in all, drawn by
 * lot, or workspaces by name. Neither: it is planned, and nobody is chosen yet.
 */
export const movePlanInput = z
  .strictObject({
    /** Left out: from every other version of the plan. */
    from: versionInput.optional(),
    to: versionInput,
    share: z.number().int().min(1).max(100).optional(),
    workspaces: z.array(slug).min(1).max(100).optional(),
    effective: z.enum(["next_renewal", "now"]).default("next_renewal"),
    noticeDays: z.number().int().min(0).max(365).default(30),
  })
  .refine(({ share, workspaces }) => !(share && workspaces), "either a share, or workspaces by name");
export type MovePlanInput = z.input<typeof movePlanInput>;

export const undoMoveInput = z.strictObject({ moveId });
export type UndoMoveInput = z.input<typeof undoMoveInput>;

/** A workspace that is to keep the version it is on, or one that it names. */
export const keepVersionInput = z.strictObject({ version: versionInput.optional() });
export type KeepVersionInput = z.input<typeof keepVersionInput>;

export const planMovesInput = z.strictObject({ before: moveId.optional() });
export type PlanMovesInput = z.input<typeof planMovesInput>;

export const planMoveInput = z.strictObject({ moveId, after: tenantInput.or(z.literal("")).default("") });
export type PlanMoveInput = z.input<typeof planMoveInput>;
