import type Stripe from "stripe";
import type { World } from "../world";

type PauseReason = "pause_requested" | "trial_end_without_payment_method";

const UPDATED = "customer.subscription.updated";

/** Puts a subscription to rest: no invoices, no new periods. */
export function setPaused(world: World, subscription: Stripe.Subscription, type: PauseReason): void {
  world.change(subscription, UPDATED, () => {
    subscription.status = "paused";
    subscription.status_details = {
      paused: { type: "subscription", subscription: { type }, transitioned_at: world.now() },
    };
  });
  world.emit("customer.subscription.paused", subscription);
}

/** Brings a paused subscription back to life. */
export function setResumed(world: World, subscription: Stripe.Subscription): void {
  delete world.store.hidden("subscription", subscription.id).resuming;
  world.change(subscription, UPDATED, () => {
    subscription.status = "active";
    delete subscription.status_details;
  });
  world.emit("customer.subscription.resumed", subscription);
}
