import type Stripe from "stripe";
import { emptyToNull, mergeMetadata } from "../changes";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

type Configuration = Stripe.BillingPortal.Configuration;
type CreateParams = Stripe.BillingPortal.ConfigurationCreateParams;
type UpdateParams = Stripe.BillingPortal.ConfigurationUpdateParams;
type Products = Stripe.BillingPortal.Configuration.Features.SubscriptionUpdate.Product[];
type ProductParams = Stripe.BillingPortal.ConfigurationCreateParams.Features.SubscriptionUpdate.Product[];

const KIND = "billing_portal.configuration";
const WRITABLE =
  "features.customer_update features.invoice_history features.payment_method_update.enabled " +
  "features.subscription_cancel features.subscription_update business_profile default_return_url metadata name";

function productsOf(world: World, products: ProductParams): Products {
  return products.map(({ product, prices, adjustable_quantity }) => {
    world.get("product", product, "features[subscription_update][products][0][product]");
    for (const price of prices)
      world.get("price", price, "features[subscription_update][products][0][prices]");
    const { enabled = false, maximum = null, minimum = 0 } = adjustable_quantity ?? {};
    return { product, prices, adjustable_quantity: { enabled, maximum, minimum } };
  }) as Products;
}

function setFeatures(world: World, configuration: Configuration, features: UpdateParams["features"]): void {
  const { subscription_update: update, subscription_cancel: cancel, ...others } = features ?? {};
  const target = configuration.features as unknown as Record<string, Record<string, unknown>>;
  for (const [name, value] of Object.entries(others)) Object.assign(target[name]!, value);
  if (cancel) Object.assign(configuration.features.subscription_cancel, cancel);
  if (!update) return;
  const { products, default_allowed_updates: allowed, ...rest } = update;
  Object.assign(configuration.features.subscription_update, rest);
  if (allowed !== undefined)
    configuration.features.subscription_update.default_allowed_updates = allowed || [];
  if (products !== undefined) {
    configuration.features.subscription_update.products = productsOf(
      world,
      (products || []) as ProductParams,
    );
  }
}

function setFields(world: World, configuration: Configuration, params: UpdateParams): void {
  setFeatures(world, configuration, params.features);
  Object.assign(configuration.business_profile, params.business_profile);
  if (params.default_return_url !== undefined) {
    configuration.default_return_url = emptyToNull(params.default_return_url);
  }
  if (params.name !== undefined) configuration.name = emptyToNull(params.name);
  if (params.active !== undefined) configuration.active = params.active;
  configuration.metadata = mergeMetadata(configuration.metadata ?? {}, params.metadata);
  configuration.updated = world.now();
}

function build(world: World, isDefault: boolean): Configuration {
  const configuration = world.create(KIND, { active: true, is_default: isDefault });
  configuration.features.subscription_cancel.proration_behavior = "none";
  configuration.features.subscription_update.proration_behavior = "none";
  return configuration;
}

/**
 * The configuration of sessions that name none. Stripe has one after the portal's settings were saved in
 * its dashboard: invoices, cards and cancellation at the period's end, but no change of plan.
 */
export function defaultConfiguration(world: World): Configuration {
  const existing = world.store.all(KIND).find((configuration) => configuration.is_default);
  if (existing) return existing;
  const configuration = build(world, true);
  const { features } = configuration;
  features.invoice_history.enabled = true;
  features.payment_method_update.enabled = true;
  features.subscription_cancel.enabled = true;
  return configuration;
}

function create(params: CreateParams, world: World): Configuration {
  const configuration = build(world, false);
  setFields(world, configuration, params as UpdateParams);
  world.emit("billing_portal.configuration.created", configuration);
  return configuration;
}

export const portalConfigurationRoutes = [
  route<CreateParams>("POST", "/billing_portal/configurations", WRITABLE, (params, { world }) =>
    create(params, world),
  ),
  route("GET", "/billing_portal/configurations/{}", "", (_, { world, ids }) => world.get(KIND, ids[0]!)),
  route<UpdateParams>(
    "POST",
    "/billing_portal/configurations/{}",
    `${WRITABLE} active`,
    (params, { world, ids }) =>
      world.change(world.get(KIND, ids[0]!), "billing_portal.configuration.updated", (configuration) =>
        setFields(world, configuration, params),
      ),
  ),
  route<Stripe.BillingPortal.ConfigurationListParams>(
    "GET",
    "/billing_portal/configurations",
    "active is_default limit starting_after ending_before",
    (params, { world, path }) =>
      listPage(path, world.store.all(KIND), params, ({ active, is_default }) => {
        if (params.active !== undefined && active !== params.active) return false;
        return params.is_default === undefined || is_default === params.is_default;
      }),
  ),
];
