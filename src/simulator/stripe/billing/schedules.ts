import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { invalidRequest, notSimulated } from "../errors";
import type { World } from "../world";
import { endSubscription } from "./collection";
import { nextBoundary } from "./periods";
import { runUpdate, type SubscriptionUpdate } from "./subscription-update";

type Schedule = Stripe.SubscriptionSchedule;
type Phase = Stripe.SubscriptionSchedule.Phase;
type PhaseParams = Stripe.SubscriptionScheduleUpdateParams.Phase;

function phaseItem(world: World, price: string, quantity: number): Stripe.SubscriptionSchedule.Phase.Item {
  return world.build<Stripe.SubscriptionSchedule.Phase.Item>(
    "SubscriptionSchedules:SubscriptionSchedule.Phase.Item",
    {
      price,
      plan: price,
      quantity,
      metadata: {},
    },
  );
}

function newPhase(world: World, fields: Partial<Phase>): Phase {
  return world.build<Phase>("SubscriptionSchedules:SubscriptionSchedule.Phase", {
    proration_behavior: "create_prorations",
    metadata: {},
    ...fields,
  });
}

/** What a subscription is today, as the only phase of its schedule: until the end of the period. */
function currentPhase(world: World, subscription: Stripe.Subscription): Phase {
  const { data } = subscription.items;
  return newPhase(world, {
    currency: subscription.currency,
    default_payment_method: subscription.default_payment_method,
    items: data.map((item) => phaseItem(world, item.price.id, item.quantity ?? 1)),
    start_date: data[0]!.current_period_start,
    end_date: data[0]!.current_period_end,
    trial_end: subscription.status === "trialing" ? subscription.trial_end : null,
  });
}

/** @throws StripeApiError 400 for a subscription that ended, that is paused, or that has a schedule. */
export function createSchedule(world: World, subscription: Stripe.Subscription): Schedule {
  if (subscription.schedule) {
    throw invalidRequest(
      "You cannot migrate a subscription that is already attached to a schedule.",
      "from_subscription",
    );
  }
  if (!["active", "trialing", "past_due"].includes(subscription.status)) {
    throw invalidRequest(
      `You cannot migrate a subscription that is ${subscription.status}.`,
      "from_subscription",
    );
  }
  const phase = currentPhase(world, subscription);
  const schedule = world.create("subscription_schedule", {
    billing_mode: { type: "flexible", flexible: { proration_discounts: "included" } },
    current_phase: { start_date: phase.start_date, end_date: phase.end_date },
    customer: subscription.customer,
    end_behavior: subscription.cancel_at_period_end ? "cancel" : "release",
    metadata: {},
    phases: [phase],
    status: "active",
    subscription: subscription.id,
  });
  schedule.default_settings.collection_method = "charge_automatically";
  schedule.default_settings.invoice_settings.issuer = { type: "self" };
  world.emit("subscription_schedule.created", schedule);
  world.change(subscription, "customer.subscription.updated", () => {
    subscription.schedule = schedule.id;
  });
  return schedule;
}

function endOf(world: World, params: PhaseParams, start: number, isLast: boolean): number {
  if (params.end_date === "now") throw notSimulated("phases that end now");
  if (params.end_date !== undefined) return params.end_date;
  const { recurring } = world.get("price", params.items[0]?.price ?? "", "phases[0][items][0][price]");
  if (params.duration) {
    const interval = params.duration.interval as Stripe.Price.Recurring.Interval;
    return nextBoundary(start, start, { interval, interval_count: params.duration.interval_count ?? 1 });
  }
  if (!isLast || !recurring)
    throw invalidRequest("All phases but the last need an `end_date` or a `duration`.", "phases");
  return nextBoundary(start, start, recurring);
}

function phaseOf(world: World, params: PhaseParams, start: number, isLast: boolean): Phase {
  const items = params.items.map((item) => {
    const price = world.get("price", item.price ?? "", "phases[0][items][0][price]");
    if (!price.recurring) throw invalidRequest("The price of a phase must be recurring.", "phases");
    return { item: phaseItem(world, price.id, item.quantity ?? 1), price };
  });
  if (items.length === 0) throw invalidRequest("A phase needs at least one item.", "phases[0][items]");
  const end = endOf(world, params, start, isLast);
  if (end <= start) throw invalidRequest("A phase must end after its start.", "phases[0][end_date]");
  return newPhase(world, {
    currency: items[0]!.price.currency,
    items: items.map(({ item }) => item),
    metadata: mergeMetadata({}, params.metadata),
    proration_behavior: params.proration_behavior ?? "create_prorations",
    start_date: start,
    end_date: end,
  });
}

const samePrices = (a: Phase, b: Phase): boolean =>
  JSON.stringify(a.items.map(({ price }) => price)) === JSON.stringify(b.items.map(({ price }) => price));

const sameQuantities = (a: Phase, b: Phase): boolean =>
  a.items.every(({ quantity }, index) => quantity === b.items[index]?.quantity);

/** @throws StripeApiError 400 for phases that leave a gap; 501 when the prices of the phase in force would change. */
export function phasesOf(world: World, schedule: Schedule, wanted: PhaseParams[]): Phase[] {
  const inForce = schedule.phases.find(({ start_date }) => start_date === schedule.current_phase?.start_date);
  if (!inForce) throw invalidRequest("This schedule is over.", "phases");
  const phases: Phase[] = [];
  for (const [index, params] of wanted.entries()) {
    const start = phases.at(-1)?.end_date ?? inForce.start_date;
    if (index === 0 && params.start_date === undefined) {
      throw invalidRequest("The first phase needs a `start_date`.", "phases[0][start_date]");
    }
    if (params.start_date !== undefined && params.start_date !== start) {
      throw invalidRequest("Phases must follow one another, from the phase in force.", "phases");
    }
    phases.push(phaseOf(world, params, start, index === wanted.length - 1));
  }
  const [first] = phases;
  if (!first) throw invalidRequest("A schedule needs at least one phase.", "phases");
  if (first.end_date <= world.now())
    throw invalidRequest("The phase in force must not have ended.", "phases");
  if (!samePrices(first, inForce)) throw notSimulated("changing the prices of the phase in force");
  const { end_date, items } = first;
  phases[0] = { ...inForce, end_date, items, metadata: { ...inForce.metadata, ...first.metadata } };
  return phases;
}

function assertActive(schedule: Schedule, verb: string): void {
  if (schedule.status === "active") return;
  throw invalidRequest(
    `You cannot ${verb} a subscription schedule that is currently in the \`${schedule.status}\` status.`,
  );
}

/** Replaces the phases still to come, the quantities of the one in force, the behaviour at the end and the metadata. */
export function updateSchedule(
  world: World,
  schedule: Schedule,
  params: Stripe.SubscriptionScheduleUpdateParams,
): Schedule {
  assertActive(schedule, "update");
  assertSameDiscounts(world, schedule, params.phases ?? []);
  const phases = params.phases ? phasesOf(world, schedule, params.phases) : schedule.phases;
  const inForce = phases[0]!;
  const before = schedule.phases.find(({ start_date }) => start_date === inForce.start_date);
  const changed = world.change(schedule, "subscription_schedule.updated", () => {
    schedule.phases = phases;
    schedule.current_phase = { start_date: phases[0]!.start_date, end_date: phases[0]!.end_date };
    if (params.end_behavior) schedule.end_behavior = params.end_behavior;
    schedule.metadata = mergeMetadata(schedule.metadata ?? {}, params.metadata);
  });
  if (before && !sameQuantities(inForce, before))
    takeQuantities(world, changed, inForce, params.proration_behavior ?? "create_prorations");
  return changed;
}

/** Phases may name the discounts that the subscription has anyway. */
function assertSameDiscounts(world: World, schedule: Schedule, phases: readonly PhaseParams[]): void {
  const subscription = world.get("subscription", schedule.subscription as string);
  for (const { discounts } of phases) {
    const named = (discounts || []).map(({ discount }) => discount ?? "");
    if (discounts && named.join() !== subscription.discounts.join())
      throw notSimulated("discounts of one phase");
  }
}

/** Gives the subscription the quantities of its phase in force, at once. */
function takeQuantities(world: World, schedule: Schedule, phase: Phase, prorationBehavior: string): void {
  const subscription = world.get("subscription", schedule.subscription as string);
  const items = subscription.items.data.map(({ id, price, quantity }) => {
    const wanted = phase.items.find((item) => item.price === price.id);
    return { id, quantity: wanted?.quantity ?? quantity ?? 1 };
  });
  updateItems(world, subscription, items, prorationBehavior);
}

function updateItems(
  world: World,
  subscription: Stripe.Subscription,
  items: SubscriptionUpdate["items"],
  prorationBehavior: string,
): void {
  const update: SubscriptionUpdate = {
    items,
    prorationBehavior: prorationBehavior as SubscriptionUpdate["prorationBehavior"],
    resetsAnchor: false,
    endsTrial: false,
    paymentBehavior: "allow_incomplete",
  };
  world.changeWith(subscription, "customer.subscription.updated", (announce) =>
    runUpdate(world, subscription, update, announce),
  );
}

/** Lets the subscription go on as it is, without the schedule. */
export function releaseSchedule(world: World, schedule: Schedule): Schedule {
  assertActive(schedule, "release");
  const subscription = world.get("subscription", schedule.subscription as string);
  Object.assign(schedule, {
    status: "released",
    released_at: world.now(),
    released_subscription: subscription.id,
    subscription: null,
    current_phase: null,
  });
  world.emit("subscription_schedule.released", schedule);
  world.change(subscription, "customer.subscription.updated", () => {
    subscription.schedule = null;
  });
  return schedule;
}

/** Ends the schedule and its subscription. */
export function cancelSchedule(world: World, schedule: Schedule): Schedule {
  assertActive(schedule, "cancel");
  const subscription = world.get("subscription", schedule.subscription as string);
  endSubscription(world, subscription, "cancellation_requested");
  return schedule;
}

/** When the phase in force ends (unix seconds); null once the schedule is over. */
export function phaseEndsAt(schedule: Schedule): number | null {
  return schedule.status === "active" ? (schedule.current_phase?.end_date ?? null) : null;
}

function complete(world: World, schedule: Schedule, subscription: Stripe.Subscription): void {
  Object.assign(schedule, { status: "completed", completed_at: world.now(), current_phase: null });
  world.emit("subscription_schedule.completed", schedule);
  endSubscription(world, subscription, "cancellation_requested");
}

/** What happens when a phase is over: the next one, or what the schedule says for its end. */
export function advancePhase(world: World, schedule: Schedule): void {
  const now = world.now();
  const subscription = world.get("subscription", schedule.subscription as string);
  const next = schedule.phases.find(({ start_date }) => start_date === schedule.current_phase?.end_date);
  if (!next && schedule.end_behavior === "cancel") {
    complete(world, schedule, subscription);
    return;
  }
  if (!next) {
    releaseSchedule(world, schedule);
    return;
  }
  world.change(schedule, "subscription_schedule.updated", () => {
    schedule.current_phase = { start_date: next.start_date, end_date: next.end_date };
  });
  // At the end of a period the renewal puts the phase into force, and bills it.
  if (subscription.items.data[0]!.current_period_end === now) return;
  const before = subscription.items.data.map(({ id }) => ({ id, deleted: true }));
  const items = next.items.map(({ price, quantity }) => ({
    price: price as string,
    quantity: quantity ?? 1,
  }));
  updateItems(world, subscription, [...items, ...before], next.proration_behavior);
}
