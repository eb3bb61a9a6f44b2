import { z } from "zod";
import { MAX_CREDITS_A_PURCHASE } from "@/lib/price-list";

export const idInput = z.string().min(1).max(40);

/** More periods than this at once are a slip of the finger. */
const MAX_PERIODS = 36;

/** Whether the card may be charged again while its owner is away, as automatic top-ups do. A subscription's always may. */
const saveCardInput = z.boolean().default(false);

/** When a subscription begins while days are paid for: after them, or at once, and they wait until it ends. */
const beginsInput = z.enum(["after_paid_days", "now"]).default("after_paid_days");

/** Whether a subscription that would renew may be told to end, for the days that are bought to begin there. */
const endsSubscriptionInput = z.boolean().default(false);

/**
 * What to buy: a plan for an interval, a pack of credits, or several things in one checkout: a plan (a prepaid one for
 * so many of its periods), a pack, and any amount of credits.
 */
export const checkoutInput = z.union([
  z.strictObject({
    plan: idInput,
    interval: z.enum(["month", "year"]).default("month"),
    begins: beginsInput,
    endsSubscription: endsSubscriptionInput,
  }),
  z.strictObject({ pack: idInput, saveCard: saveCardInput }),
  z.strictObject({
    order: z.strictObject({
      plan: idInput.optional(),
      interval: z.enum(["month", "year"]).default("month"),
      periods: z.number().int().min(1).max(MAX_PERIODS).default(1),
      pack: idInput.optional(),
      /** 0: none. */
      credits: z.number().int().min(0).max(MAX_CREDITS_A_PURCHASE).default(0),
      saveCard: saveCardInput,
      begins: beginsInput,
      endsSubscription: endsSubscriptionInput,
    }),
  }),
]);
export type CheckoutInput = z.input<typeof checkoutInput>;

const PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;

/** The newest orders, or those after `cursor` (the answer's `next`). */
export const ordersInput = z
  .strictObject({
    cursor: z.string().max(40).optional(),
    limit: z.number().int().min(1).max(MAX_PAGE_SIZE).default(PAGE_SIZE),
  })
  .default({ limit: PAGE_SIZE });
export type OrdersInput = z.input<typeof ordersInput>;

export const orderInput = z.strictObject({ orderId: z.string().min(1).max(40) });
export type OrderInput = z.input<typeof orderInput>;
