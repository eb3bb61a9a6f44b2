import type Stripe from "stripe";
import { invalidRequest, notSimulated } from "../errors";
import type { World } from "../world";
import { collect } from "./collection";
import { voidInvoice } from "./invoices";
import { setPaused, setResumed } from "./paused";
import { hoursLater, nextBoundary } from "./periods";
import { periodLine, productName } from "./subscription-items";
import { invoiceSubscription } from "./subscriptions";

type Subscription = Stripe.Subscription;

const UPDATED = "customer.subscription.updated";
const RESUME_HOURS = 23;

/** @throws StripeApiError 400 while a schedule is attached, or for a subscription that does not run. */
export function pause(world: World, subscription: Subscription): Subscription {
  if (subscription.schedule) {
    throw invalidRequest("You cannot pause a subscription that is managed by a subscription schedule.");
  }
  if (!["active", "trialing", "past_due"].includes(subscription.status)) {
    throw invalidRequest(`You cannot pause a subscription that is ${subscription.status}.`);
  }
  setPaused(world, subscription, "pause_requested");
  return subscription;
}

function restart(world: World, subscription: Subscription): Stripe.Invoice {
  const now = world.now();
  subscription.billing_cycle_anchor = now;
  if (subscription.trial_end !== null && subscription.trial_end > now) subscription.trial_end = now;
  for (const item of subscription.items.data) {
    item.current_period_start = now;
    item.current_period_end = nextBoundary(now, now, item.price.recurring!);
  }
  const lines = subscription.items.data.map((item) => periodLine(item, productName(world, item.price)));
  return invoiceSubscription(world, subscription, "subscription_update", lines);
}

/**
 * Resumes a paused subscription. With the cycle unchanged it goes on in the period that was paid; otherwise a new
 * period begins now, and the subscription is active when its invoice is paid, or as soon as that was tried.
 */
export function resume(
  world: World,
  subscription: Subscription,
  params: Stripe.SubscriptionResumeParams,
): Subscription {
  if (subscription.status !== "paused") throw invalidRequest("This subscription is not paused.");
  if (params.billing_cycle_anchor?.type === "unchanged") {
    const isOver = subscription.items.data[0]!.current_period_end <= world.now();
    if (isOver) throw notSimulated("resuming into the middle of a period that nobody paid for");
    setResumed(world, subscription);
    return subscription;
  }
  const invoice = restart(world, subscription);
  if (params.payment_behavior === "resume_on_payment_attempt") setResumed(world, subscription);
  else {
    world.store.hidden("subscription", subscription.id).resuming = {
      invoice: invoice.id,
      until: hoursLater(world.now(), RESUME_HOURS),
    };
  }
  collect(world, invoice, { automatic: true });
  return subscription;
}

/** A resumption that nobody paid for in time: the invoice is void, the subscription stays paused. */
export function expireResumption(world: World, subscription: Subscription): void {
  const { resuming } = world.store.hidden("subscription", subscription.id);
  delete world.store.hidden("subscription", subscription.id).resuming;
  const invoice = world.store.find("invoice", resuming?.invoice ?? "");
  if (invoice?.status === "open") voidInvoice(world, invoice);
}

/** Ends a pause of collection. */
export function resumeCollection(world: World, subscription: Subscription): void {
  world.change(subscription, UPDATED, () => {
    subscription.pause_collection = null;
  });
}
