import type Stripe from "stripe";
import { advanceTo } from "../billing/due";
import { daysLater } from "../billing/periods";
import { invalidRequest } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const KIND = "test_helpers.test_clock";
const KEPT_DAYS = 30;

function statusDetails(frozenTime: number, isAdvancing: boolean): Stripe.TestHelpers.TestClock.StatusDetails {
  return isAdvancing ? { advancing: { target_frozen_time: frozenTime } } : {};
}

function create(
  params: Stripe.TestHelpers.TestClockCreateParams,
  world: World,
): Stripe.TestHelpers.TestClock {
  const clock = world.create(KIND, {
    name: params.name ?? null,
    frozen_time: params.frozen_time,
    status: "ready",
    deletes_after: daysLater(world.now(), KEPT_DAYS),
  });
  world.emit("test_helpers.test_clock.created", clock);
  return clock;
}

/** One clock for all: advancing any test clock moves the whole simulator. */
function advance(
  params: Stripe.TestHelpers.TestClockAdvanceParams,
  world: World,
  id: string,
): Stripe.TestHelpers.TestClock {
  const clock = world.get(KIND, id);
  if (params.frozen_time <= clock.frozen_time) {
    throw invalidRequest("The new frozen_time must be after the current frozen_time.", "frozen_time");
  }
  Object.assign(clock, { status: "advancing", status_details: statusDetails(params.frozen_time, true) });
  world.emit("test_helpers.test_clock.advancing", clock);
  advanceTo(world, params.frozen_time);
  Object.assign(clock, { status: "ready", frozen_time: params.frozen_time, status_details: {} });
  world.emit("test_helpers.test_clock.ready", clock);
  return clock;
}

function remove(world: World, id: string): Stripe.TestHelpers.DeletedTestClock {
  const clock = world.get(KIND, id);
  world.store.remove(KIND, id);
  world.emit("test_helpers.test_clock.deleted", clock);
  return { id, object: KIND, deleted: true };
}

export const testClockRoutes = [
  route<Stripe.TestHelpers.TestClockCreateParams>(
    "POST",
    "/test_helpers/test_clocks",
    "frozen_time name",
    (params, { world }) => create(params, world),
  ),
  route("GET", "/test_helpers/test_clocks/{}", "", (_, { world, ids }) => world.get(KIND, ids[0]!)),
  route("DELETE", "/test_helpers/test_clocks/{}", "", (_, { world, ids }) => remove(world, ids[0]!)),
  route<Stripe.TestHelpers.TestClockAdvanceParams>(
    "POST",
    "/test_helpers/test_clocks/{}/advance",
    "frozen_time",
    (params, { world, ids }) => advance(params, world, ids[0]!),
  ),
  route<Stripe.TestHelpers.TestClockListParams>(
    "GET",
    "/test_helpers/test_clocks",
    "limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all(KIND), params),
  ),
];
