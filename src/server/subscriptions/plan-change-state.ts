import type Stripe from "stripe";
import type { PlanVersion } from "../plans/rules";
import { type Interval, idOf, instantOf } from "../stripe/rules";
import type { subscriptions } from "./tables";

type ComingChange = Pick<
  typeof subscriptions.$inferSelect,
  "changeKind" | "changePlanVersion" | "changeInterval" | "changeAt"
>;

const NONE: ComingChange = {
  changeKind: null,
  changePlanVersion: null,
  changeInterval: null,
  changeAt: null,
};

/**
 * What a subscription is about to become: by an update that waits for its payment, or by its schedule's next phase.
 * @param subscription with `schedule` expanded
 * @param versions by price id
 */
export function comingChange(
  subscription: Stripe.Subscription,
  versions: ReadonlyMap<string, PlanVersion>,
  now: Date,
): ComingChange {
  const [pending] = subscription.pending_update?.subscription_items ?? [];
  if (pending && subscription.pending_update)
    return {
      changeKind: "payment_needed",
      changePlanVersion: versions.get(pending.price.id)?.id ?? null,
      changeInterval: pending.price.recurring?.interval === "year" ? "year" : "month",
      changeAt: instantOf(subscription.pending_update.expires_at),
    };
  const next = nextPhase(subscription, now);
  const price = priceOf(next);
  if (!next || !price || subscription.items.data.some((item) => item.price.id === price)) return NONE;
  return {
    changeKind: "scheduled",
    changePlanVersion: versions.get(price)?.id ?? null,
    changeInterval: intervalOf(next),
    changeAt: instantOf(next.start_date),
  };
}

/** The id of the price that its schedule brings next, when that is another one. @param subscription with `schedule` expanded */
export function scheduledPrice(subscription: Stripe.Subscription, now: Date): string | null {
  const price = priceOf(nextPhase(subscription, now));
  return subscription.items.data.some((item) => item.price.id === price) ? null : price;
}

/** Ids of the prices that a subscription is about to have. */
export function comingPrices(subscription: Stripe.Subscription): string[] {
  const pending = (subscription.pending_update?.subscription_items ?? []).map(({ price }) => price.id);
  const { schedule } = subscription;
  const phases = schedule && typeof schedule !== "string" ? schedule.phases : [];
  return [...pending, ...phases.flatMap((phase) => priceOf(phase) ?? [])];
}

type Phase = Stripe.SubscriptionSchedule.Phase;

function nextPhase({ schedule }: Stripe.Subscription, now: Date): Phase | null {
  if (!schedule || typeof schedule === "string" || schedule.status !== "active") return null;
  return schedule.phases.find(({ start_date }) => instantOf(start_date) > now) ?? null;
}

function priceOf(phase: Phase | null): string | null {
  return idOf(phase?.items[0]?.price);
}

/** A phase made by us lasts one interval. */
function intervalOf({ start_date, end_date }: Phase): Interval {
  return end_date - start_date > 45 * 86_400 ? "year" : "month";
}
