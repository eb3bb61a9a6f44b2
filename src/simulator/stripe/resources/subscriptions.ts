import type Stripe from "stripe";
import { defaultMethodOf } from "../billing/cards";
import { pause, resume } from "../billing/pausing";
import { DECLINE, expectedOutcome } from "../billing/payments";
import { daysLater } from "../billing/periods";
import { setDiscounts, wantedDiscounts } from "../billing/subscription-discounts";
import type { NewItem } from "../billing/subscription-items";
import { runUpdate, type SubscriptionUpdate } from "../billing/subscription-update";
import {
  cancelNow,
  createSubscription,
  scheduleCancellation,
  unscheduleCancellation,
} from "../billing/subscriptions";
import { emptyToNull, mergeMetadata } from "../changes";
import { cardError, invalidRequest, noSuch, notSimulated } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const CREATE =
  "customer items.price items.quantity items.metadata default_payment_method metadata description trial_period_days " +
  "trial_end trial_settings payment_behavior cancel_at_period_end off_session collection_method currency " +
  "payment_settings.save_default_payment_method automatic_tax.enabled billing_mode.type proration_behavior discounts";

const UPDATE =
  "items.id items.price items.quantity items.deleted items.metadata proration_behavior proration_date " +
  "billing_cycle_anchor.type trial_end payment_behavior cancel_at_period_end cancel_at metadata description " +
  "default_payment_method cancellation_details.comment cancellation_details.feedback off_session discounts pause_collection trial_settings";

/** A pause credits nothing here, whatever is said of unused time. */
const PAUSE = "type bill_for.unused_time_from.type bill_for.outstanding_usage_through.type";

function newItems(world: World, params: Stripe.SubscriptionCreateParams): NewItem[] {
  return (params.items ?? []).map((item) => {
    if (!item.price) throw invalidRequest("Missing required param: items[0][price].", "items[0][price]");
    return {
      price: world.get("price", item.price, "items[0][price]"),
      quantity: item.quantity ?? 1,
      metadata: mergeMetadata({}, item.metadata),
    };
  });
}

function trialEndOf(world: World, params: Stripe.SubscriptionCreateParams): number | null {
  if (params.trial_period_days) return daysLater(world.now(), params.trial_period_days);
  return typeof params.trial_end === "number" ? params.trial_end : null;
}

function assertCreatable(world: World, params: Stripe.SubscriptionCreateParams): void {
  if (!params.customer)
    throw invalidRequest("Missing required param: customer.", "customer", "parameter_missing");
  world.get("customer", params.customer, "customer");
  if (params.default_payment_method) {
    const method = world.get("payment_method", params.default_payment_method, "default_payment_method");
    if (method.customer !== params.customer) {
      throw invalidRequest("The payment method must be attached to the customer.", "default_payment_method");
    }
  }
  if (params.collection_method === "send_invoice") throw notSimulated("invoices that are sent");
  if (params.automatic_tax?.enabled) throw notSimulated("automatic tax");
  if (params.billing_mode && params.billing_mode.type !== "flexible")
    throw notSimulated("classic billing mode");
}

function assertMethod(params: Stripe.SubscriptionCreateParams, method: string | null): void {
  if (method || params.payment_behavior === "default_incomplete") return;
  throw invalidRequest(
    "This customer has no attached payment source or default payment method. Please consider adding a default payment method.",
    undefined,
    "resource_missing",
  );
}

function create(params: Stripe.SubscriptionCreateParams, world: World): Stripe.Subscription {
  assertCreatable(world, params);
  const customer = params.customer!;
  const items = newItems(world, params);
  const trialEnd = trialEndOf(world, params);
  const method = params.default_payment_method ?? defaultMethodOf(world, customer, undefined);
  const isFree = items.every((item) => item.price.unit_amount === 0);
  if (trialEnd === null && !isFree) {
    assertMethod(params, method);
    if (params.payment_behavior === "error_if_incomplete" && expectedOutcome(world, method) !== "succeeded") {
      throw cardError(DECLINE);
    }
  }
  return createSubscription(world, {
    customer,
    items,
    paymentMethod: params.default_payment_method ?? null,
    metadata: mergeMetadata({}, params.metadata),
    description: params.description ?? null,
    trialEnd,
    missingMethod: params.trial_settings?.end_behavior.missing_payment_method as "cancel" | undefined,
    cancelAtPeriodEnd: params.cancel_at_period_end ?? false,
    discounts: wantedDiscounts(world, params.discounts, {
      customer,
      currency: items[0]?.price.currency ?? "usd",
      subtotal: items.reduce((sum, { price, quantity }) => sum + (price.unit_amount ?? 0) * quantity, 0),
    }),
    collects: params.payment_behavior !== "default_incomplete",
  }).subscription;
}

function updateOf(params: Stripe.SubscriptionUpdateParams): SubscriptionUpdate | null {
  const endsTrial = params.trial_end === "now";
  const resetsAnchor = params.billing_cycle_anchor?.type === "now";
  if (!params.items && !endsTrial && !resetsAnchor) return null;
  if (params.payment_behavior === "default_incomplete") throw notSimulated("updates with default_incomplete");
  return {
    items: params.items ?? [],
    prorationBehavior: (params.proration_behavior ??
      "create_prorations") as SubscriptionUpdate["prorationBehavior"],
    resetsAnchor,
    endsTrial,
    paymentBehavior: (params.payment_behavior ?? "allow_incomplete") as SubscriptionUpdate["paymentBehavior"],
    ...(params.proration_date === undefined ? {} : { prorationDate: params.proration_date }),
  };
}

function setCancellation(
  world: World,
  subscription: Stripe.Subscription,
  params: Stripe.SubscriptionUpdateParams,
): void {
  if (params.cancel_at_period_end === true) scheduleCancellation(world, subscription);
  if (params.cancel_at_period_end === false && subscription.cancel_at !== null) {
    unscheduleCancellation(world, subscription);
  }
  if (params.cancel_at !== undefined) {
    if (typeof params.cancel_at === "string" && params.cancel_at !== "")
      throw notSimulated("named values of cancel_at");
    subscription.cancel_at = emptyToNull(params.cancel_at) as number | null;
    subscription.canceled_at = subscription.cancel_at === null ? null : world.now();
  }
  const { comment, feedback } = params.cancellation_details ?? {};
  if (subscription.cancellation_details && (comment !== undefined || feedback !== undefined)) {
    Object.assign(subscription.cancellation_details, {
      comment: comment || null,
      feedback: feedback || null,
    });
  }
}

function setCollection(
  subscription: Stripe.Subscription,
  wanted: Stripe.SubscriptionUpdateParams["pause_collection"],
): void {
  if (wanted === undefined) return;
  if (wanted && wanted.behavior === "keep_as_draft") throw notSimulated("renewals that stay drafts");
  subscription.pause_collection = wanted
    ? { behavior: wanted.behavior, resumes_at: wanted.resumes_at ?? null }
    : null;
}

function setPlainFields(
  world: World,
  subscription: Stripe.Subscription,
  params: Stripe.SubscriptionUpdateParams,
): void {
  if (params.default_payment_method !== undefined) {
    if (params.default_payment_method) {
      world.get("payment_method", params.default_payment_method, "default_payment_method");
    }
    subscription.default_payment_method = params.default_payment_method || null;
  }
  if (params.trial_settings) {
    const { missing_payment_method = "create_invoice" } = params.trial_settings.end_behavior;
    subscription.trial_settings = { end_behavior: { billing_cycle_anchor: null, missing_payment_method } };
  }
  setCollection(subscription, params.pause_collection);
  if (params.description !== undefined) subscription.description = params.description || null;
  subscription.metadata = mergeMetadata(subscription.metadata, params.metadata);
  if (typeof params.trial_end === "number") {
    if (subscription.status !== "trialing") throw notSimulated("giving a running subscription a trial");
    subscription.trial_end = params.trial_end;
    subscription.billing_cycle_anchor = params.trial_end;
    for (const item of subscription.items.data) item.current_period_end = params.trial_end;
  }
}

// What a schedule plans is changed in the schedule.
function assertUnscheduled({ schedule }: Stripe.Subscription, params: Stripe.SubscriptionUpdateParams): void {
  if (params.cancel_at !== undefined || params.cancel_at_period_end !== undefined) {
    throw invalidRequest(
      `The subscription is managed by the subscription schedule \`${schedule as string}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`,
    );
  }
  if (params.items || params.trial_end !== undefined || params.billing_cycle_anchor) {
    throw notSimulated("changing the items or periods of a subscription that a schedule manages");
  }
}

function update(params: Stripe.SubscriptionUpdateParams, world: World, id: string): Stripe.Subscription {
  const subscription = world.get("subscription", id);
  if (["canceled", "incomplete_expired"].includes(subscription.status)) {
    throw invalidRequest(
      "A canceled subscription can only update its cancellation_details and metadata.",
      undefined,
      "resource_missing",
    );
  }
  if (subscription.schedule) assertUnscheduled(subscription, params);
  const update = updateOf(params);
  const change = (work: (announce: () => void) => void) =>
    world.changeWith(subscription, "customer.subscription.updated", work);
  change((announce) => {
    setPlainFields(world, subscription, params);
    setCancellation(world, subscription, params);
    setDiscounts(world, subscription, params.discounts);
    if (update) runUpdate(world, subscription, update, announce);
    else announce();
  });
  return subscription;
}

function cancel(params: Stripe.SubscriptionCancelParams, world: World, id: string): Stripe.Subscription {
  const subscription = world.get("subscription", id);
  if (["canceled", "incomplete_expired"].includes(subscription.status)) throw noSuch("subscription", id);
  const { comment, feedback } = params.cancellation_details ?? {};
  subscription.cancellation_details = world.build<Stripe.Subscription.CancellationDetails>(
    "Subscriptions:Subscription.CancellationDetails",
    { comment: comment || null, feedback: (feedback || null) as null },
  );
  cancelNow(world, subscription);
  return subscription;
}

function matches(params: Stripe.SubscriptionListParams): (subscription: Stripe.Subscription) => boolean {
  return ({ customer, status, items }) => {
    if (params.customer && customer !== params.customer) return false;
    if (params.price && !items.data.some((item) => item.price.id === params.price)) return false;
    if (params.status === "all") return true;
    if (params.status === "ended") return status === "canceled" || status === "incomplete_expired";
    return params.status ? status === params.status : status !== "canceled";
  };
}

export const subscriptionRoutes = [
  route<Stripe.SubscriptionCreateParams>("POST", "/subscriptions", CREATE, (params, { world }) =>
    create(params, world),
  ),
  route("GET", "/subscriptions/{}", "", (_, { world, ids }) => world.get("subscription", ids[0]!)),
  route<Stripe.SubscriptionUpdateParams>("POST", "/subscriptions/{}", UPDATE, (params, { world, ids }) =>
    update(params, world, ids[0]!),
  ),
  route<Stripe.SubscriptionCancelParams>(
    "DELETE",
    "/subscriptions/{}",
    "cancellation_details.comment cancellation_details.feedback",
    (params, { world, ids }) => cancel(params, world, ids[0]!),
  ),
  route<Stripe.SubscriptionPauseParams>("POST", "/subscriptions/{}/pause", PAUSE, (_, { world, ids }) =>
    pause(world, world.get("subscription", ids[0]!)),
  ),
  route<Stripe.SubscriptionResumeParams>(
    "POST",
    "/subscriptions/{}/resume",
    "billing_cycle_anchor.type payment_behavior proration_behavior",
    (params, { world, ids }) => resume(world, world.get("subscription", ids[0]!), params),
  ),
  route<Stripe.SubscriptionListParams>(
    "GET",
    "/subscriptions",
    "customer price status created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("subscription"), params, matches(params)),
  ),
];
