import type Stripe from "stripe";
import type { World } from "../world";
import { attachCard, createCard, defaultMethodOf, PAGE_CARDS, type PageCard } from "./cards";
import { AUTHENTICATION_FAILURE_MESSAGE, DECLINE, type PaymentOutcome, setupOutcome } from "./payments";
import { applyUpdate, runUpdate, type SubscriptionUpdate } from "./subscription-update";
import { cancelNow, scheduleCancellation, unscheduleCancellation } from "./subscriptions";

type Configuration = Stripe.BillingPortal.Configuration;
type Subscription = Stripe.Subscription;

const UPDATED = "customer.subscription.updated";

export function configurationOf(world: World, session: Stripe.BillingPortal.Session): Configuration {
  return world.get("billing_portal.configuration", session.configuration as string);
}

/** The subscriptions a customer may manage, newest first. */
export function managedSubscriptions(world: World, customer: string): Subscription[] {
  const ended = ["canceled", "incomplete", "incomplete_expired"];
  return world.store
    .all("subscription")
    .filter((each) => each.customer === customer && !ended.includes(each.status));
}

/** The prices a subscription can be switched to under a configuration. */
export function offeredPrices(
  world: World,
  configuration: Configuration,
  subscription: Subscription,
): Stripe.Price[] {
  const { enabled, products, default_allowed_updates: allowed } = configuration.features.subscription_update;
  if (!enabled || !allowed.includes("price")) return [];
  const ids = (products ?? []).flatMap((product) => product.prices);
  const current = subscription.items.data[0]?.price.id;
  return ids.filter((id) => id !== current).flatMap((id) => world.store.find("price", id) ?? []);
}

// Compared per month of thirty days, which orders every pair of intervals Stripe allows.
const DAYS = { day: 1, week: 7, month: 30, year: 365 } as Record<string, number>;

function intervalDays(price: Stripe.Price): number {
  return (DAYS[price.recurring?.interval ?? "month"] ?? 30) * (price.recurring?.interval_count ?? 1);
}

/** Whether a switch waits for the end of the period (`schedule_at_period_end`). */
export function waitsForPeriodEnd(
  configuration: Configuration,
  from: Stripe.Price,
  to: Stripe.Price,
): boolean {
  const { conditions } = configuration.features.subscription_update.schedule_at_period_end;
  return conditions.some(({ type }) => {
    if (type === "shortening_interval") return intervalDays(to) < intervalDays(from);
    return (to.unit_amount ?? 0) < (from.unit_amount ?? 0);
  });
}

function switchUpdate(
  configuration: Configuration,
  subscription: Subscription,
  price: string,
): SubscriptionUpdate {
  const { proration_behavior, trial_update_behavior } = configuration.features.subscription_update;
  return {
    items: [{ id: subscription.items.data[0]!.id, price }],
    prorationBehavior: proration_behavior as SubscriptionUpdate["prorationBehavior"],
    resetsAnchor: false,
    endsTrial: subscription.status === "trialing" && trial_update_behavior === "end_trial",
    paymentBehavior: "error_if_incomplete",
  };
}

/** What a switch would charge now, in minor units; zero when it waits or is not invoiced. */
export function switchCost(
  world: World,
  configuration: Configuration,
  subscription: Subscription,
  price: Stripe.Price,
): number {
  if (waitsForPeriodEnd(configuration, subscription.items.data[0]!.price, price)) return 0;
  const update = switchUpdate(configuration, subscription, price.id);
  const { prorations, newPeriod } = applyUpdate(world, structuredClone(subscription), update);
  if (newPeriod.length === 0 && update.prorationBehavior !== "always_invoice") return 0;
  const total = [...prorations, ...newPeriod].reduce((sum, line) => sum + line.amount, 0);
  return Math.max(0, total + world.get("customer", subscription.customer as string).balance);
}

/**
 * Switches the plan now, or at the period's end when the configuration says so.
 * @throws StripeApiError 402 when the card fails; the plan stays as it was.
 */
export function switchPlan(
  world: World,
  configuration: Configuration,
  subscription: Subscription,
  price: Stripe.Price,
): void {
  const item = subscription.items.data[0]!;
  const hidden = world.store.hidden("subscription", subscription.id);
  delete hidden.scheduledItems;
  if (waitsForPeriodEnd(configuration, item.price, price)) {
    hidden.scheduledItems = [{ id: item.id, price: price.id }];
    return;
  }
  const update = switchUpdate(configuration, subscription, price.id);
  world.changeWith(subscription, UPDATED, (announce) => runUpdate(world, subscription, update, announce));
}

export function cancelPlan(world: World, configuration: Configuration, subscription: Subscription): void {
  const isNow = configuration.features.subscription_cancel.mode === "immediately";
  if (isNow) cancelNow(world, subscription);
  else world.change(subscription, UPDATED, () => scheduleCancellation(world, subscription));
}

export function resumePlan(world: World, subscription: Subscription): void {
  world.change(subscription, UPDATED, () => unscheduleCancellation(world, subscription));
}

function makeDefault(world: World, customerId: string, method: string): void {
  world.change(world.get("customer", customerId), "customer.updated", (customer) => {
    customer.invoice_settings.default_payment_method = method;
  });
  for (const subscription of managedSubscriptions(world, customerId)) {
    if (!subscription.default_payment_method) continue;
    world.change(subscription, UPDATED, () => {
      subscription.default_payment_method = method;
    });
  }
}

/** Stores a new card and makes it the default, unless it is declined or asks for 3-D Secure first. */
export function updateCard(
  world: World,
  session: Stripe.BillingPortal.Session,
  card: PageCard,
): PaymentOutcome {
  const email = world.get("customer", session.customer).email;
  const method = createCard(world, PAGE_CARDS[card], email);
  const outcome = setupOutcome(world, method.id);
  if (outcome === "requires_action") {
    world.store.hidden("billing_portal.session", session.id).pendingCard = method.id;
  }
  if (outcome !== "succeeded") return outcome;
  attachCard(world, method, session.customer);
  makeDefault(world, session.customer, method.id);
  return outcome;
}

/** Ends the 3-D Secure step of a new card. */
export function authenticateCard(
  world: World,
  session: Stripe.BillingPortal.Session,
  succeeded: boolean,
): PaymentOutcome {
  const hidden = world.store.hidden("billing_portal.session", session.id);
  const id = hidden.pendingCard;
  delete hidden.pendingCard;
  if (!id || !succeeded) return "declined";
  world.store.hidden("payment_method", id).authenticated = true;
  attachCard(world, world.get("payment_method", id), session.customer);
  makeDefault(world, session.customer, id);
  return "succeeded";
}

/** The card a customer's subscriptions are charged to. */
export function currentCard(world: World, customer: string): Stripe.PaymentMethod | undefined {
  const [subscription] = managedSubscriptions(world, customer);
  const id = defaultMethodOf(world, customer, subscription);
  return id ? world.store.find("payment_method", id) : undefined;
}

export const CARD_MESSAGES = { declined: DECLINE.message, authentication: AUTHENTICATION_FAILURE_MESSAGE };
