import type Stripe from "stripe";
import { listPage } from "../lists";
import { route } from "../routes";

// Stripe's `type` filter accepts a trailing wildcard: "customer.*".
function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith("*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}

function matches(params: Stripe.EventListParams): (event: Stripe.Event) => boolean {
  return (event) => {
    if (params.type && !isOfType(event.type, params.type)) return false;
    if (params.types && !params.types.some((wanted) => isOfType(event.type, wanted))) return false;
    return (
      params.delivery_success === undefined || (event.pending_webhooks === 0) === params.delivery_success
    );
  };
}

export const eventRoutes = [
  route("GET", "/events/{}", "", (_, { world, ids }) => world.get("event", ids[0]!)),
  route<Stripe.EventListParams>(
    "GET",
    "/events",
    "type types delivery_success created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("event"), params, matches(params)),
  ),
];
