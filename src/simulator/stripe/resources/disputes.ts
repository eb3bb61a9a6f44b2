import type Stripe from "stripe";
import { setDisputeStatus } from "../billing/money-back";
import { mergeMetadata } from "../changes";
import { equals, listPage } from "../lists";
import { route } from "../routes";

export const disputeRoutes = [
  route("GET", "/disputes/{}", "", (_, { world, ids }) => world.get("dispute", ids[0]!)),
  route<Stripe.DisputeUpdateParams>("POST", "/disputes/{}", "metadata", (params, { world, ids }) =>
    world.change(world.get("dispute", ids[0]!), "charge.dispute.updated", (dispute) => {
      dispute.metadata = mergeMetadata(dispute.metadata, params.metadata);
    }),
  ),
  // Whoever closes a dispute gives it up.
  route("POST", "/disputes/{}/close", "", (_, { world, ids }) => setDisputeStatus(world, ids[0]!, "lost")),
  route<Stripe.DisputeListParams>(
    "GET",
    "/disputes",
    "charge payment_intent created limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(
        path,
        world.store.all("dispute"),
        params,
        equals<Stripe.Dispute>(params, "charge", "payment_intent"),
      ),
  ),
];
