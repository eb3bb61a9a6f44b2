import type Stripe from "stripe";
import { invalidRequest } from "../errors";
import { route } from "../routes";
import type { World } from "../world";
import { defaultConfiguration } from "./portal-configurations";

type Params = Stripe.BillingPortal.SessionCreateParams;
type FlowData = Stripe.BillingPortal.SessionCreateParams.FlowData;
type Flow = Stripe.BillingPortal.Session.Flow;

const CREATE =
  "customer configuration return_url locale flow_data.type flow_data.after_completion.type " +
  "flow_data.after_completion.redirect flow_data.subscription_cancel.subscription " +
  "flow_data.subscription_update.subscription flow_data.subscription_update_confirm.subscription " +
  "flow_data.subscription_update_confirm.items";

function flowOf(world: World, data: FlowData | undefined, customer: string): Flow | null {
  if (!data) return null;
  const details = data.subscription_cancel ?? data.subscription_update ?? data.subscription_update_confirm;
  if (details) {
    const subscription = world.get("subscription", details.subscription, "flow_data");
    if (subscription.customer !== customer) {
      throw invalidRequest("The subscription in `flow_data` belongs to another customer.", "flow_data");
    }
  }
  const { type = "portal_homepage", redirect = null } = data.after_completion ?? {};
  const confirm = data.subscription_update_confirm;
  const items = confirm?.items.map(({ id, price = null, quantity }) => ({
    id: id ?? null,
    price,
    ...(quantity === undefined ? {} : { quantity }),
  }));
  return {
    type: data.type,
    after_completion: { type, redirect, hosted_confirmation: null },
    customer_update: null,
    subscription_cancel: data.subscription_cancel ? { retention: null, ...data.subscription_cancel } : null,
    subscription_pause: null,
    subscription_update: data.subscription_update ?? null,
    subscription_update_confirm: confirm
      ? { discounts: null, items: items ?? [], subscription: confirm.subscription }
      : null,
  } as Flow;
}

function create(params: Params, world: World): Stripe.BillingPortal.Session {
  if (!params.customer)
    throw invalidRequest("Missing required param: customer.", "customer", "parameter_missing");
  world.get("customer", params.customer, "customer");
  const configuration = params.configuration
    ? world.get("billing_portal.configuration", params.configuration, "configuration")
    : defaultConfiguration(world);
  if (!configuration.active) throw invalidRequest("The portal configuration is inactive.", "configuration");
  const session = world.create("billing_portal.session", {
    configuration: configuration.id,
    customer: params.customer,
    flow: flowOf(world, params.flow_data, params.customer),
    locale: params.locale ?? null,
    return_url: params.return_url ?? configuration.default_return_url,
  });
  session.url = `${world.baseUrl}/p/session/${session.id}`;
  world.emit("billing_portal.session.created", session);
  return session;
}

export const portalSessionRoutes = [
  route<Params>("POST", "/billing_portal/sessions", CREATE, (params, { world }) => create(params, world)),
];
