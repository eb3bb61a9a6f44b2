import { z } from "zod";

const idInput = z.string().min(1).max(40);

/** What to buy: a plan for an interval, or a pack of credits. */
export const checkoutInput = z.union([
  z.strictObject({ plan: idInput, interval: z.enum(["month", "year"]).default("month") }),
  z.strictObject({ pack: idInput }),
]);
export type CheckoutInput = z.input<typeof checkoutInput>;

/** The session that Stripe put into the return page's address. */
export const returnInput = z.strictObject({ sessionId: z.string().regex(/^cs_[A-Za-z0-9_]{1,200}$/) });
export type ReturnInput = z.input<typeof returnInput>;
