import type Stripe from "stripe";
import { cancelSchedule, createSchedule, releaseSchedule, updateSchedule } from "../billing/schedules";
import { invalidRequest, notSimulated } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const CREATE = "from_subscription customer phases end_behavior metadata start_date";

const UPDATE =
  "phases.items.price phases.items.quantity phases.start_date phases.end_date phases.duration " +
  "phases.proration_behavior phases.metadata phases.discounts.discount end_behavior metadata proration_behavior";

function create(params: Stripe.SubscriptionScheduleCreateParams, world: World): Stripe.SubscriptionSchedule {
  if (!params.from_subscription) throw notSimulated("schedules without a subscription");
  const others = Object.keys(params).filter((name) => !["from_subscription", "expand"].includes(name));
  if (others.length > 0) {
    throw invalidRequest(
      `You can not set \`${others[0]}\` if \`from_subscription\` is set; update the schedule afterwards.`,
      others[0],
    );
  }
  return createSchedule(world, world.get("subscription", params.from_subscription, "from_subscription"));
}

function update(
  params: Stripe.SubscriptionScheduleUpdateParams,
  world: World,
  id: string,
): Stripe.SubscriptionSchedule {
  if (params.end_behavior && !["release", "cancel"].includes(params.end_behavior)) {
    throw notSimulated(`schedules whose end_behavior is ${params.end_behavior}`);
  }
  return updateSchedule(world, world.get("subscription_schedule", id), params);
}

function matches(params: Stripe.SubscriptionScheduleListParams) {
  return (schedule: Stripe.SubscriptionSchedule): boolean =>
    (!params.customer || schedule.customer === params.customer) &&
    (!params.scheduled || schedule.status === "not_started");
}

export const subscriptionScheduleRoutes = [
  route<Stripe.SubscriptionScheduleCreateParams>(
    "POST",
    "/subscription_schedules",
    CREATE,
    (params, { world }) => create(params, world),
  ),
  route("GET", "/subscription_schedules/{}", "", (_, { world, ids }) =>
    world.get("subscription_schedule", ids[0]!),
  ),
  route<Stripe.SubscriptionScheduleUpdateParams>(
    "POST",
    "/subscription_schedules/{}",
    UPDATE,
    (params, { world, ids }) => update(params, world, ids[0]!),
  ),
  route("POST", "/subscription_schedules/{}/release", "", (_, { world, ids }) =>
    releaseSchedule(world, world.get("subscription_schedule", ids[0]!)),
  ),
  route("POST", "/subscription_schedules/{}/cancel", "", (_, { world, ids }) =>
    cancelSchedule(world, world.get("subscription_schedule", ids[0]!)),
  ),
  route<Stripe.SubscriptionScheduleListParams>(
    "GET",
    "/subscription_schedules",
    "customer scheduled created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(path, world.store.all("subscription_schedule"), params, matches(params)),
  ),
];
