import type Stripe from "stripe";
import { listBody } from "../lists";
import type { World } from "../world";
import { collect, endSubscription, hasMethod } from "./collection";
import type { DiscountChoice } from "./coupons";
import { dropEnded, dropUsed, redeem } from "./discounts";
import { type InvoiceDraft, type LineDraft, pendingLines } from "./invoice-draft";
import { createInvoiceItems } from "./invoice-items";
import { issueInvoice, markUncollectible, voidInvoice } from "./invoices";
import { setPaused } from "./paused";
import type { PaymentOutcome } from "./payments";
import { daysLater, nextBoundary } from "./periods";
import { enterPhase } from "./phases";
import {
  assertRecurring,
  type NewItem,
  newItem,
  oneTimeLine,
  periodLine,
  productName,
  setItemPrice,
} from "./subscription-items";

interface NewSubscription {
  customer: string;
  items: NewItem[];
  paymentMethod: string | null;
  metadata: Record<string, string>;
  description?: string | null;
  /** Unix seconds; null without a trial. */
  trialEnd: number | null;
  missingMethod?: "cancel" | "create_invoice" | "pause";
  cancelAtPeriodEnd?: boolean;
  /** Billed once, on the first invoice. */
  oneTime?: NewItem[];
  isTaxed?: boolean;
  discounts?: DiscountChoice[];
  /** False leaves the first invoice open, for `default_incomplete`. */
  collects: boolean;
}

const TRIAL_NOTICE_DAYS = 3;

/** Issues an invoice for a subscription with its pending prorations and the given lines. */
export function invoiceSubscription(
  world: World,
  subscription: Stripe.Subscription,
  reason: InvoiceDraft["reason"],
  lines: LineDraft[],
  period?: { start: number; end: number },
): Stripe.Invoice {
  const invoice = issueInvoice(world, {
    customer: subscription.customer as string,
    currency: subscription.currency,
    reason,
    subscription,
    lines: [...pendingLines(world, subscription.id), ...lines],
    ...(period ? { period } : {}),
  });
  subscription.latest_invoice = invoice.id;
  dropUsed(world, subscription, invoice);
  return invoice;
}

function build(world: World, wanted: NewSubscription): Stripe.Subscription {
  const recurring = assertRecurring(wanted.items.map((item) => item.price));
  const start = world.now();
  const end = wanted.trialEnd ?? nextBoundary(start, start, recurring);
  const subscription = world.create("subscription", {
    customer: wanted.customer,
    currency: wanted.items[0]!.price.currency,
    status: wanted.trialEnd === null ? "incomplete" : "trialing",
    billing_mode: { type: "flexible", flexible: { proration_discounts: "included" } },
    billing_cycle_anchor: wanted.trialEnd ?? start,
    start_date: start,
    trial_start: wanted.trialEnd === null ? null : start,
    trial_end: wanted.trialEnd,
    default_payment_method: wanted.paymentMethod,
    default_tax_rates: [],
    description: wanted.description ?? null,
    metadata: wanted.metadata,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: "off",
    },
    trial_settings: {
      end_behavior: {
        billing_cycle_anchor: null,
        missing_payment_method: wanted.missingMethod ?? "create_invoice",
      },
    },
  });
  subscription.invoice_settings.issuer = { type: "self" };
  if (wanted.isTaxed)
    subscription.automatic_tax = { enabled: true, disabled_reason: null, liability: { type: "self" } };
  const items = wanted.items.map((item) => newItem(world, subscription.id, item, { start, end }));
  const url = `/v1/subscription_items?subscription=${subscription.id}`;
  subscription.items = listBody(url, items) as Stripe.Subscription["items"];
  if (wanted.cancelAtPeriodEnd) scheduleCancellation(world, subscription);
  return subscription;
}

/** Creates a subscription and its first invoice, and collects it. */
export function createSubscription(
  world: World,
  wanted: NewSubscription,
): { subscription: Stripe.Subscription; outcome: PaymentOutcome | null } {
  const subscription = build(world, wanted);
  const isTrial = wanted.trialEnd !== null;
  const owner = { customer: wanted.customer, subscription: subscription.id };
  subscription.discounts = (wanted.discounts ?? []).map((choice) => redeem(world, choice, owner).id);
  world.emit("customer.subscription.created", subscription);
  const lines = subscription.items.data.map((item) =>
    periodLine(item, productName(world, item.price), isTrial),
  );
  const oneTime = (wanted.oneTime ?? []).map((item) => oneTimeLine(world, subscription.id, item));
  createInvoiceItems(world, subscription, oneTime);
  const invoice = invoiceSubscription(world, subscription, "subscription_create", lines);
  if (isTrial) announceTrialEnd(world, subscription);
  const isFree = invoice.amount_due === 0;
  if (!wanted.collects && !isFree) return { subscription, outcome: null };
  return { subscription, outcome: collect(world, invoice, { automatic: true }) };
}

/** When the notice of a trial's end is due (unix seconds). */
export function trialNoticeAt(subscription: Stripe.Subscription): number {
  return daysLater(subscription.trial_end ?? 0, -TRIAL_NOTICE_DAYS);
}

/** Sends the notice once, as soon as the trial's last three days have begun. */
export function announceTrialEnd(world: World, subscription: Stripe.Subscription): void {
  const hidden = world.store.hidden("subscription", subscription.id);
  if (hidden.trialWillEndSent || trialNoticeAt(subscription) > world.now()) return;
  hidden.trialWillEndSent = true;
  world.emit("customer.subscription.trial_will_end", subscription);
}

/** Plans the end of a subscription; the caller announces the change. */
export function scheduleCancellation(world: World, subscription: Stripe.Subscription): void {
  subscription.cancel_at_period_end = true;
  subscription.cancel_at = subscription.items.data[0]!.current_period_end;
  subscription.canceled_at = world.now();
  subscription.cancellation_details = world.build<Stripe.Subscription.CancellationDetails>(
    "Subscriptions:Subscription.CancellationDetails",
    { ...subscription.cancellation_details, reason: "cancellation_requested" },
  );
}

/** Takes a planned end back; the caller announces the change. */
export function unscheduleCancellation(world: World, subscription: Stripe.Subscription): void {
  subscription.cancel_at_period_end = false;
  subscription.cancel_at = null;
  subscription.canceled_at = null;
  subscription.cancellation_details = world.build<Stripe.Subscription.CancellationDetails>(
    "Subscriptions:Subscription.CancellationDetails",
    {},
  );
}

/** Cancels at once on request. */
export function cancelNow(world: World, subscription: Stripe.Subscription): void {
  endSubscription(world, subscription, "cancellation_requested");
}

function endTrialWithoutMethod(world: World, subscription: Stripe.Subscription): boolean {
  const behaviour = subscription.trial_settings?.end_behavior.missing_payment_method;
  if (behaviour === "cancel") {
    cancelNow(world, subscription);
    return true;
  }
  if (behaviour !== "pause") return false;
  setPaused(world, subscription, "trial_end_without_payment_method");
  return true;
}

function startNextPeriod(world: World, subscription: Stripe.Subscription): void {
  const { scheduledItems = [] } = world.store.hidden("subscription", subscription.id);
  delete world.store.hidden("subscription", subscription.id).scheduledItems;
  for (const { id, price } of scheduledItems) {
    const item = subscription.items.data.find((each) => each.id === id);
    if (item) setItemPrice(world, item, world.get("price", price));
  }
  const start = subscription.items.data[0]!.current_period_end;
  if (enterPhase(world, subscription, start)) subscription.billing_cycle_anchor = start;
  if (subscription.status === "trialing") subscription.status = "active";
  for (const item of subscription.items.data) {
    item.current_period_start = item.current_period_end;
    const anchor = subscription.billing_cycle_anchor;
    item.current_period_end = nextBoundary(anchor, item.current_period_start, item.price.recurring!);
  }
}

// While collection is paused, periods go on and nobody pays for them.
function withhold(world: World, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  if (subscription.pause_collection?.behavior === "void") voidInvoice(world, invoice);
  else markUncollectible(world, invoice);
}

/** What happens when a subscription's period is over: it ends, or a new period is billed. */
export function renew(world: World, subscription: Stripe.Subscription): void {
  if (subscription.cancel_at !== null && subscription.cancel_at <= world.now()) {
    endSubscription(world, subscription, "cancellation_requested");
    return;
  }
  const isTrialOver = subscription.status === "trialing";
  if (isTrialOver && !hasMethod(world, subscription) && endTrialWithoutMethod(world, subscription)) return;
  dropEnded(world, subscription);
  const { current_period_start: start, current_period_end: end } = subscription.items.data[0]!;
  world.change(subscription, "customer.subscription.updated", () => startNextPeriod(world, subscription));
  const lines = subscription.items.data.map((item) => periodLine(item, productName(world, item.price)));
  const invoice = invoiceSubscription(world, subscription, "subscription_cycle", lines, { start, end });
  if (subscription.pause_collection) withhold(world, subscription, invoice);
  else collect(world, invoice, { automatic: true });
}
