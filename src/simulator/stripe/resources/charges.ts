import type Stripe from "stripe";
import { mergeMetadata } from "../changes";
import { equals, listPage } from "../lists";
import { route } from "../routes";

export const chargeRoutes = [
  route("GET", "/charges/{}", "", (_, { world, ids }) => world.get("charge", ids[0]!)),
  route<Stripe.ChargeUpdateParams>("POST", "/charges/{}", "metadata description", (params, { world, ids }) =>
    world.change(world.get("charge", ids[0]!), "charge.updated", (charge) => {
      charge.metadata = mergeMetadata(charge.metadata, params.metadata);
      if (params.description !== undefined) charge.description = params.description || null;
    }),
  ),
  route<Stripe.ChargeListParams>(
    "GET",
    "/charges",
    "customer payment_intent created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(
        path,
        world.store.all("charge"),
        params,
        equals<Stripe.Charge>(params, "customer", "payment_intent"),
      ),
  ),
];
