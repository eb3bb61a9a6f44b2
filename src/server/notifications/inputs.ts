import { z } from "zod";
import { TOPICS } from "./rules";

const messageId = z.string().min(1).max(60);

export const listNotificationsInput = z.strictObject({
  /** Of the page before. */
  cursor: messageId.optional(),
  limit: z.number().int().min(1).max(100).default(20),
});
export type ListNotificationsInput = z.input<typeof listNotificationsInput>;

export const markReadInput = z.strictObject({
  messageId,
  /** Every older one too. */
  andOlder: z.boolean().default(false),
});
export type MarkReadInput = z.input<typeof markReadInput>;

export const setPreferenceInput = z.strictObject({ topic: z.enum(TOPICS), mail: z.boolean() });
export type SetPreferenceInput = z.input<typeof setPreferenceInput>;
