import { z } from "zod";

const amount = (most: number) => z.number().int().min(1).max(most);

/** What the panel may ask for. */
export const timeInput = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("move"),
    wish: z.union([
      z.strictObject({ hours: amount(24 * 400) }),
      z.strictObject({ days: amount(2_000) }),
      z.strictObject({ months: amount(60) }),
      z.strictObject({ to: z.iso.datetime().transform((text) => new Date(text)) }),
      z.strictObject({ next: z.literal(true) }),
    ]),
  }),
  z.strictObject({ do: z.literal("stop") }),
  /** Begins a story in a workspace of its own, and plays its first step. */
  z.strictObject({ do: z.literal("begin"), story: z.string().max(40) }),
  /** Plays its next step, or all that are left. */
  z.strictObject({ do: z.literal("play"), all: z.boolean().default(false) }),
]);
export type TimeInput = z.input<typeof timeInput>;

/** How many moments the timeline shows at most, and of whose. */
export const timelineInput = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
  /** A workspace's slug; empty: everybody's. */
  of: z.string().max(64).default(""),
});
export type TimelineInput = z.input<typeof timelineInput>;
