import { z } from "zod";

const word = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[\w.:-]+$/, "letters, digits, dots and dashes");

const eventFilter = {
  status: z.enum(["pending", "done", "ignored", "quarantined"]).optional(),
  /** An event type, or the beginning of one: `invoice.` */
  type: word(100).optional(),
  provider: word(40).optional(),
};

export const eventsInput = z.strictObject({
  ...eventFilter,
  /** `next` of the page before. */
  before: z.strictObject({ receivedAt: z.iso.datetime(), eventId: word(200) }).optional(),
});
export type EventsInput = z.input<typeof eventsInput>;

const eventName = z.strictObject({
  provider: word(40),
  account: word(100).or(z.literal("")).default(""),
  eventId: word(200),
});

/** Events by name. */
export const replayNamedInput = z.strictObject({ events: z.array(eventName).min(1).max(100) });
/** All that were put aside or ignored, or those of a type. */
export const replayFoundInput = z.strictObject({
  status: z.enum(["ignored", "quarantined"]),
  type: word(100).optional(),
});
export const replayInput = z.union([replayNamedInput, replayFoundInput]);
export type ReplayInput = z.input<typeof replayInput>;
