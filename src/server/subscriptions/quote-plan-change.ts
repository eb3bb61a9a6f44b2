import { createHash } from "node:crypto";
import type Stripe from "stripe";
import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import { canonicalJson, type PlanVersion } from "../plans/rules";
import { ensurePlanVersions, planVersion } from "../plans/service";
import { priceIdsOf } from "../stripe/prices";
import { type Interval, idOf, instantOf, planLookupKey, planPriceMinor } from "../stripe/rules";
import { asProviderError } from "../stripe/stripe-client";
import { type Discount, discountsAfter } from "./discount-rules";
import { refuseOverdue } from "./dunning";
import { type Rung, type Timing, timingOf } from "./plan-change-rules";
import { waits } from "./prepaid-time-rules";
import { decidingSubscription } from "./rules";
import { seatsFor } from "./seat-count";
import { localSubscriptions, type SubscriptionRow } from "./subscription";
import { waitingAmount } from "./waiting-amount";

export interface PlanWish {
  plan: string;
  interval: Interval;
}

/** What Stripe is asked, but for its key. */
export interface ChangeRequest {
  subscription: string;
  timing: Timing;
  item: string;
  /** The price and quantity before, and after. */
  from: { price: string; quantity: number };
  to: { price: string; quantity: number };
  interval: Interval;
  /** Unix seconds; the instant that the time left is counted from. null: nothing is charged pro rata. */
  prorationDate: number | null;
  /** Whether it is invoiced at once. A trial goes on with another plan that has one, and ends with a plan that has none. */
  charges: boolean;
  endsTrial: boolean;
}

/** A change as Stripe would carry it out at one instant. */
export interface Quote {
  from: PlanVersion | null;
  to: PlanVersion;
  interval: Interval;
  request: ChangeRequest;
  /** What the change itself is invoiced; null when it is invoiced nothing. */
  invoice: Stripe.Invoice | null;
  /** A whole period afterwards. */
  recurring: Stripe.Invoice;
  /** What the period so far leaves for the next regular invoice, as seats that came in it; nothing when `invoice` takes it along. */
  waitingMinor: number;
  totalMinor: bigint;
  takesEffectAt: Date;
  /** When the next regular invoice comes. */
  nextInvoiceAt: Date;
  fingerprint: string;
}

/**
 * What a change would cost and when it would take effect, as Stripe works it out for the instant `at` (unix seconds).
 * @throws AppError INVALID_INPUT for what is not sold by subscription, CONFLICT when the subscription can't be changed
 * now, PAYMENT_OVERDUE, PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function quotePlanChange(ctx: TenantCtx, wish: PlanWish, at: number): Promise<Quote> {
  const to = await soldPlan(ctx, wish);
  const lookupKey = planLookupKey(to.id, wish.interval);
  const price = (await priceIdsOf(ctx, [{ lookupKey }])).get(lookupKey)!;
  const row = await changeableRow(ctx);
  try {
    const subscription = await ctx.stripe.subscriptions.retrieve(row.subscriptionId);
    return await quoteOf(ctx, { subscription, row, to, wish, price, at });
  } catch (error) {
    throw asProviderError(error);
  }
}

async function soldPlan(ctx: TenantCtx, { plan: id, interval }: PlanWish): Promise<PlanVersion> {
  const plan = ctx.prices.plans.find((one) => one.id === id);
  if (!plan) throw new AppError("INVALID_INPUT", "There is no such plan.");
  if (plan.price.kind === "free")
    throw new AppError("INVALID_INPUT", `${plan.name} is free: cancel the subscription to get there.`, {
      hint: "billing.cancel({ when: 'period_end' })",
    });
  if (planPriceMinor(plan, interval) === null)
    throw new AppError("INVALID_INPUT", `${plan.name} is not sold as a subscription by the ${interval}.`);
  return (await ensurePlanVersions(ctx)).get(plan.id)!;
}

/** Our copy of the subscription that decides the plan. @throws AppError CONFLICT while it can't be changed */
async function changeableRow(ctx: TenantCtx): Promise<SubscriptionRow> {
  const row = decidingSubscription(await localSubscriptions(ctx));
  if (!row)
    throw new AppError("CONFLICT", "There is no subscription to change.", {
      hint: "Start one with billing.checkout.",
    });
  // From the first failure on: Stripe would credit days of a period that nobody has paid.
  await refuseOverdue(ctx, { sellsPlan: true });
  if (row.status === "past_due")
    throw new AppError("CONFLICT", "The last payment is not settled yet. Please try again later.");
  if (waits(row, ctx.now()))
    throw new AppError("CONFLICT", "The subscription has not begun. Cancel it to choose another plan.", {
      hint: "billing.cancel({ when: 'now' })",
    });
  if (row.cancelAt)
    throw new AppError("CONFLICT", "The subscription is about to end. Resume it before changing the plan.", {
      hint: "billing.resume",
    });
  if (row.changeKind)
    throw new AppError("CONFLICT", "Another change is under way. Undo it before making a new one.", {
      hint: "billing.undoChange",
    });
  return row;
}

interface Change {
  subscription: Stripe.Subscription;
  row: SubscriptionRow;
  to: PlanVersion;
  wish: PlanWish;
  price: string;
  at: number;
}

async function quoteOf(ctx: TenantCtx, change: Change): Promise<Quote> {
  const { subscription, row, to, wish } = change;
  const item = subscription.items.data.find(({ price }) => price.id === row.priceId);
  if (!item || subscription.pending_update) throw changedMeanwhile();
  const from = row.planVersion ? await planVersion(ctx, row.planVersion) : null;
  if (row.priceId === change.price) throw new AppError("CONFLICT", "This is the plan already.");
  const inTrial = subscription.status === "trialing";
  const [seatsNow, seats] = [from ? await seatsFor(ctx, from) : 1, await seatsFor(ctx, to)];
  const rungs = [rungOf(row, from, seatsNow), rungOfPlan(to, wish.interval, seats)] as const;
  const timing = timingOf(...rungs, inTrial);
  const endsTrial = inTrial && to.definition.plan.trial === undefined;
  const quantity = item.quantity ?? 1;
  const request: ChangeRequest = {
    subscription: subscription.id,
    timing,
    item: item.id,
    from: { price: item.price.id, quantity },
    to: { price: change.price, quantity: seats },
    interval: wish.interval,
    prorationDate: timing === "now" && !inTrial ? change.at : null,
    charges: timing === "now" && (!inTrial || endsTrial),
    endsTrial,
  };
  const { invoice, recurring, waitingMinor } = await previews(ctx, request, row.discounts);
  const restarts = request.charges && (endsTrial || wish.interval !== row.interval);
  const periodEndsAt = instantOf(item.current_period_end);
  const totalMinor = BigInt(invoice?.total ?? 0);
  return {
    from,
    to,
    interval: wish.interval,
    request,
    invoice,
    recurring,
    waitingMinor,
    totalMinor,
    takesEffectAt: timing === "now" ? instantOf(change.at) : periodEndsAt,
    nextInvoiceAt: restarts && invoice ? endOfPeriod(invoice) : periodEndsAt,
    fingerprint: fingerprintOf(change, request, totalMinor),
  };
}

async function previews(
  ctx: TenantCtx,
  request: ChangeRequest,
  discounts: readonly Discount[],
): Promise<Pick<Quote, "invoice" | "recurring" | "waitingMinor">> {
  const { subscription, charges, timing } = request;
  const preview = (
    subscription_details: Stripe.InvoiceCreatePreviewParams.SubscriptionDetails,
    mode: Pick<Stripe.InvoiceCreatePreviewParams, "preview_mode" | "discounts">,
  ) => ctx.stripe.invoices.createPreview({ subscription, subscription_details, ...mode });
  const invoice = charges ? await preview(updateOf(request), { preview_mode: "next" }) : null;
  const left = discountsAfter(discounts, invoice)?.map(({ id }) => ({ discount: id }));
  const recurring = await preview(
    { items: updateOf(request).items },
    { preview_mode: "recurring", ...(left ? { discounts: left.length > 0 ? left : "" } : {}) },
  );
  const unchanged =
    timing === "period_end"
      ? await ctx.stripe.invoices.createPreview({ subscription, preview_mode: "next" })
      : null;
  return { invoice, recurring, waitingMinor: unchanged ? waitingAmount(unchanged) : 0 };
}

/** The words that a change at once is both previewed and asked for with. */
export function updateOf({ item, to, prorationDate, charges, endsTrial }: ChangeRequest) {
  return {
    items: [{ id: item, price: to.price, quantity: to.quantity }],
    proration_behavior: charges ? ("always_invoice" as const) : ("none" as const),
    ...(prorationDate === null ? {} : { proration_date: prorationDate }),
    ...(endsTrial ? { trial_end: "now" as const } : {}),
  };
}

/** Of the invoice's lines that are no prorations: a whole new period. */
function endOfPeriod({ lines }: Stripe.Invoice): Date {
  return instantOf(
    Math.max(...lines.data.filter((line) => !isProration(line)).map(({ period }) => period.end)),
  );
}

function isProration({ parent }: Stripe.InvoiceLineItem): boolean {
  return (parent?.subscription_item_details ?? parent?.invoice_item_details)?.proration === true;
}

/** By the month, so that intervals compare; a price that we don't know counts as what it costs a month. */
function rungOf(
  { interval, amountMinor }: SubscriptionRow,
  version: PlanVersion | null,
  seats: number,
): Rung {
  if (version) return rungOfPlan(version, interval, seats);
  return { monthlyMinor: Math.floor(Number(amountMinor) / (interval === "year" ? 12 : 1)), interval };
}

function rungOfPlan({ definition }: PlanVersion, interval: Interval, seats: number): Rung {
  return { monthlyMinor: (planPriceMinor(definition.plan, "month") ?? 0) * seats, interval };
}

/** Of everything that the amount depends on, but for the instant. */
function fingerprintOf(
  { subscription, price }: Change,
  { prorationDate, ...request }: ChangeRequest,
  totalMinor: bigint,
): string {
  const { status, items, discounts, schedule, cancel_at, trial_end } = subscription;
  const facts = {
    request,
    price,
    totalMinor: String(totalMinor),
    status,
    cancel_at,
    trial_end,
    schedule: idOf(schedule),
    discounts: discounts.map((discount) => idOf(discount)),
    items: items.data.map((one) => [one.id, one.price.id, one.quantity ?? 1, one.current_period_start]),
  };
  return createHash("sha256").update(canonicalJson(facts)).digest("hex").slice(0, 16);
}

export function changedMeanwhile(): AppError {
  return new AppError("CONFLICT", "Something has changed since. Please look at the change again.", {
    hint: "Ask billing.previewChange again and pass its answer's `preview`.",
  });
}
