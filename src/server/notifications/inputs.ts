import { z } from "zod";
import { TOPICS } from "./rules";

/** As the outbox has them; those that SQL makes end in a dash and what tells them apart. */
const messageId = z.string().regex(/^msg_[0-9a-z-]{1,60}$/, "the id of a notification");

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
