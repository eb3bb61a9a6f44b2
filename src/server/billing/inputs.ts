import { z } from "zod";
import { MAX_CREDITS_A_PURCHASE } from "@/lib/price-list";

const idInput = z.string().min(1).max(40);

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

/** The session that Stripe put into the return page's address. */
export const returnInput = z.strictObject({ sessionId: z.string().regex(/^cs_[A-Za-z0-9_]{1,200}$/) });
export type ReturnInput = z.input<typeof returnInput>;

/** More than anybody means, and far below what Stripe and a bigint can hold. */
const MAX_CREDITS = 1_000_000_000;
const MAX_MINOR = 10_000_000_000;

/**
 * Automatic purchases: below `threshold` credits one `pack` is bought, for at most `monthlyCapMinor` (minor units of
 * the list's currency) in a calendar month of the workspace's time zone.
 */
export const setAutoTopUpInput = z.discriminatedUnion("enabled", [
  z.strictObject({ enabled: z.literal(false) }),
  z.strictObject({
    enabled: z.literal(true),
    threshold: z.number().int().min(1).max(MAX_CREDITS),
    pack: idInput,
    monthlyCapMinor: z.number().int().min(1).max(MAX_MINOR),
  }),
]);
export type SetAutoTopUpInput = z.input<typeof setAutoTopUpInput>;

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

/**
 * Money of an order to be given back: `amountMinor` of its currency's minor units, or all that is left. `key` names the
 * wish: the same one again refunds nothing more.
 */
export const refundOrderInput = z.strictObject({
  orderId: z.string().min(1).max(40),
  amountMinor: z.number().int().min(1).max(MAX_MINOR).optional(),
  reason: z.string().trim().min(1).max(500),
  key: z.string().min(1).max(150),
});
export type RefundOrderInput = z.input<typeof refundOrderInput>;

export const previewChangeInput = z.strictObject({ plan: idInput, interval: z.enum(["month", "year"]) });
export type PreviewChangeInput = z.input<typeof previewChangeInput>;

/** `preview` is the name that `previewChange` gave the look that is confirmed. */
export const changePlanInput = previewChangeInput.extend({ preview: z.string().min(1).max(60) });
export type ChangePlanInput = z.input<typeof changePlanInput>;

/** As a person types it; upper and lower case are the same. */
export const redeemCodeInput = z.strictObject({
  code: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9-]{1,100}$/, "A code has letters, digits and dashes."),
});
export type RedeemCodeInput = z.input<typeof redeemCodeInput>;

/** Why somebody leaves, in Stripe's words. */
export const CANCEL_REASONS = [
  "too_expensive",
  "missing_features",
  "unused",
  "switched_service",
  "customer_service",
  "low_quality",
  "too_complex",
  "other",
] as const;

/** At once what is left of the period is lost; at its end everything works until then. */
export const cancelInput = z.strictObject({
  when: z.enum(["now", "period_end"]),
  reason: z.enum(CANCEL_REASONS),
  comment: z.string().trim().max(500).optional(),
});
export type CancelInput = z.input<typeof cancelInput>;

/** Left out: for as long as the plan allows. */
export const pauseInput = z.strictObject({ until: z.date().optional() }).default({});
export type PauseInput = z.input<typeof pauseInput>;

/** The newest invoices, or those after `cursor` (the answer's `next`). */
export const invoicesInput = z
  .strictObject({
    cursor: z
      .string()
      .regex(/^in_[A-Za-z0-9_]{1,200}$/)
      .optional(),
    limit: z.number().int().min(1).max(MAX_PAGE_SIZE).default(PAGE_SIZE),
  })
  .default({ limit: PAGE_SIZE });
export type InvoicesInput = z.input<typeof invoicesInput>;

export const invoiceInput = z.strictObject({ invoiceId: z.string().regex(/^in_[A-Za-z0-9_]{1,200}$/) });
export type InvoiceInput = z.input<typeof invoiceInput>;

export const paymentMethodInput = z.strictObject({ id: z.string().regex(/^pm_[A-Za-z0-9_]{1,200}$/) });
export type PaymentMethodInput = z.input<typeof paymentMethodInput>;

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

/** Who has not paid: `after` is `next` of the page before, an instant and an invoice. */
export const dunningInput = z.strictObject({
  after: z
    .string()
    .max(240)
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\|in_[A-Za-z0-9_]+$/)
    .refine((value) => !Number.isNaN(Date.parse(value.split("|")[0] ?? "")), "an instant and an invoice")
    .optional(),
});
export type DunningInput = z.input<typeof dunningInput>;
