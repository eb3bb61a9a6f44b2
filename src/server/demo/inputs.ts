import { z } from "zod";

const name = z.string().trim().min(1).max(80);

export const startRunInput = z.strictObject({
  name,
  /** What the run costs. A real product would know; the demo lets you choose. */
  computeUnits: z.number().int().min(1).max(100),
});
export type StartRunInput = z.input<typeof startRunInput>;

export const createChannelInput = z.strictObject({ name });
export type CreateChannelInput = z.input<typeof createChannelInput>;

export const removeChannelInput = z.strictObject({ id: z.string().min(1).max(60) });
export type RemoveChannelInput = z.input<typeof removeChannelInput>;
