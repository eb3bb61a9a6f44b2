import type Stripe from "stripe";
import type { World } from "../world";
import { defaultMethodOf } from "./cards";
import { attemptInvoice, markPaid, markUncollectible, voidInvoice } from "./invoices";
import { setResumed } from "./paused";
import { finishAuthentication, type PaymentOutcome } from "./payments";
import { daysLater } from "./periods";
import { endSchedule } from "./phases";

/** The subscription an invoice bills, unless it is gone. */
export function subscriptionOf(world: World, invoice: Stripe.Invoice): Stripe.Subscription | undefined {
  const id = invoice.parent?.subscription_details?.subscription as string | undefined;
  return id ? world.store.find("subscription", id) : undefined;
}

function stopCollecting(world: World, subscription: string): void {
  for (const invoice of world.store.all("invoice")) {
    if (invoice.status !== "open" || subscriptionOf(world, invoice)?.id !== subscription) continue;
    invoice.next_payment_attempt = null;
    invoice.auto_advance = false;
  }
}

/** Ends a subscription now. Its open invoices stay open and are no longer collected. */
export function endSubscription(
  world: World,
  subscription: Stripe.Subscription,
  reason: "cancellation_requested" | "payment_failed" | "payment_disputed",
): void {
  Object.assign(subscription, {
    status: "canceled",
    canceled_at: subscription.canceled_at ?? world.now(),
    ended_at: world.now(),
  });
  subscription.cancellation_details = {
    ...world.build<Stripe.Subscription.CancellationDetails>(
      "Subscriptions:Subscription.CancellationDetails",
      {},
    ),
    ...subscription.cancellation_details,
    reason,
  };
  stopCollecting(world, subscription.id);
  endSchedule(world, subscription, reason === "payment_failed");
  world.emit("customer.subscription.deleted", subscription);
}

// Stripe puts a subscription back in order when its latest invoice is paid.
function recover(world: World, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(world, invoice);
  if (!subscription) return;
  applyPendingUpdate(world, subscription, invoice);
  const { resuming } = world.store.hidden("subscription", subscription.id);
  if (resuming?.invoice === invoice.id) setResumed(world, subscription);
  const isBehind = ["incomplete", "past_due", "unpaid"].includes(subscription.status);
  if (!isBehind || subscription.latest_invoice !== invoice.id) return;
  world.change(subscription, "customer.subscription.updated", () => {
    subscription.status = "active";
  });
}

function applyPendingUpdate(world: World, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  const hidden = world.store.hidden("subscription", subscription.id);
  if (hidden.pendingUpdate?.invoice !== invoice.id) return;
  const { target, debited } = hidden.pendingUpdate;
  if (debited) hidden.debited = debited;
  delete hidden.pendingUpdate;
  world.change(subscription, "customer.subscription.updated", () => {
    Object.assign(subscription, structuredClone(target), { pending_update: null });
  });
  world.emit("customer.subscription.pending_update_applied", subscription);
}

function afterLastAttempt(world: World, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  const { finally: fate, invoice: invoiceFate } = world.settings.dunning;
  if (invoiceFate === "uncollectible") markUncollectible(world, invoice);
  if (fate === "cancel") endSubscription(world, subscription, "payment_failed");
  else {
    world.change(subscription, "customer.subscription.updated", () => {
      subscription.status = fate;
    });
  }
}

interface CollectOptions {
  /** Charge this method instead of the default one. */
  paymentMethod?: string | null;
  /** Part of the dunning schedule: counts as an attempt and plans the next one. */
  automatic: boolean;
}

function announceFailure(world: World, invoice: Stripe.Invoice, outcome: PaymentOutcome): void {
  if (outcome === "requires_action") world.emit("invoice.payment_action_required", invoice);
  world.emit("invoice.payment_failed", invoice);
}

function fail(world: World, invoice: Stripe.Invoice, outcome: PaymentOutcome, automatic: boolean): void {
  const subscription = subscriptionOf(world, invoice);
  const isRunning =
    subscription !== undefined && ["active", "trialing", "past_due"].includes(subscription.status);
  if (!isRunning || !automatic) {
    announceFailure(world, invoice, outcome);
    return;
  }
  const days = world.settings.dunning.retryDays[invoice.attempt_count - 1];
  invoice.next_payment_attempt = days === undefined ? null : daysLater(world.now(), days);
  announceFailure(world, invoice, outcome);
  world.change(subscription, "customer.subscription.updated", () => {
    subscription.status = "past_due";
  });
  if (days === undefined) afterLastAttempt(world, subscription, invoice);
}

/** Collects an open invoice and moves its subscription accordingly. */
export function collect(world: World, invoice: Stripe.Invoice, options: CollectOptions): PaymentOutcome {
  if (options.automatic) invoice.attempt_count += 1;
  const outcome = attemptInvoice(world, invoice, options.paymentMethod);
  if (outcome === "succeeded") recover(world, invoice);
  else fail(world, invoice, outcome, options.automatic);
  return outcome;
}

/** Whether an automatic attempt would have anything to charge. */
export function hasMethod(world: World, subscription: Stripe.Subscription): boolean {
  return defaultMethodOf(world, subscription.customer as string, subscription) !== null;
}

/** Marks an invoice as paid by what already happened and moves its subscription. */
export function settle(world: World, invoice: Stripe.Invoice, announcesPayment = true): void {
  markPaid(world, invoice, announcesPayment);
  recover(world, invoice);
}

/** Ends a subscription whose first invoice was not paid within 23 hours. */
export function expireIncomplete(world: World, subscription: Stripe.Subscription): void {
  const invoice = world.store.find("invoice", subscription.latest_invoice as string);
  if (invoice?.status === "open") voidInvoice(world, invoice);
  world.change(subscription, "customer.subscription.updated", () => {
    subscription.status = "incomplete_expired";
    subscription.ended_at = world.now();
  });
}

/** Drops an update whose invoice was not paid within 23 hours. */
export function expirePendingUpdate(world: World, subscription: Stripe.Subscription): void {
  const hidden = world.store.hidden("subscription", subscription.id);
  const invoice = world.store.find("invoice", hidden.pendingUpdate?.invoice ?? "");
  delete hidden.pendingUpdate;
  subscription.pending_update = null;
  if (invoice?.status === "open") voidInvoice(world, invoice);
  world.emit("customer.subscription.pending_update_expired", subscription);
}

/** Ends the 3-D Secure step of an invoice's payment. */
export function authenticateInvoice(
  world: World,
  invoice: Stripe.Invoice,
  intent: string,
  succeeded: boolean,
): void {
  const outcome = finishAuthentication(world, world.get("payment_intent", intent), succeeded);
  if (outcome === "succeeded") settle(world, invoice);
  else announceFailure(world, invoice, outcome);
}
