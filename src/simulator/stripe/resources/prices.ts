import type Stripe from "stripe";
import { claimLookupKey, createPrice } from "../billing/catalog";
import { mergeMetadata, sentFields } from "../changes";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const CREATE =
  "currency unit_amount product product_data.name product_data.metadata product_data.active recurring.interval " +
  "recurring.interval_count recurring.usage_type lookup_key transfer_lookup_key nickname active metadata tax_behavior";

// Subscriptions and sessions hold a copy of their price; Stripe renders the price as it is now.
function refreshCopies(world: World, price: Stripe.Price): void {
  const items = world.store.all("subscription").flatMap((subscription) => subscription.items.data);
  const lines = world.store
    .all("checkout.session")
    .flatMap((session) => world.store.hidden("checkout.session", session.id).lineItems ?? []);
  for (const holder of [...items, ...lines]) {
    if (holder.price?.id === price.id) holder.price = structuredClone(price);
  }
}

function update(params: Stripe.PriceUpdateParams, world: World, id: string): Stripe.Price {
  const price = world.get("price", id);
  if (params.lookup_key && params.lookup_key !== price.lookup_key) {
    claimLookupKey(world, params.lookup_key, params.transfer_lookup_key === true);
  }
  world.change(price, "price.updated", () => {
    Object.assign(price, sentFields(params, "active", "lookup_key", "nickname", "tax_behavior"));
    price.metadata = mergeMetadata(price.metadata, params.metadata);
  });
  refreshCopies(world, price);
  return price;
}

function matches(params: Stripe.PriceListParams): (price: Stripe.Price) => boolean {
  return (price) => {
    if (params.active !== undefined && price.active !== params.active) return false;
    if (params.currency && price.currency !== params.currency) return false;
    if (params.product && price.product !== params.product) return false;
    if (params.type && price.type !== params.type) return false;
    if (params.recurring?.interval && price.recurring?.interval !== params.recurring.interval) return false;
    return !params.lookup_keys || params.lookup_keys.includes(price.lookup_key ?? "");
  };
}

export const priceRoutes = [
  route<Stripe.PriceCreateParams>("POST", "/prices", CREATE, (params, { world }) =>
    createPrice(world, params),
  ),
  route("GET", "/prices/{}", "", (_, { world, ids }) => world.get("price", ids[0]!)),
  route<Stripe.PriceUpdateParams>(
    "POST",
    "/prices/{}",
    "active lookup_key transfer_lookup_key nickname metadata tax_behavior",
    (params, { world, ids }) => update(params, world, ids[0]!),
  ),
  route<Stripe.PriceListParams>(
    "GET",
    "/prices",
    "active currency product type lookup_keys recurring.interval created limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("price"), params, matches(params)),
  ),
];
