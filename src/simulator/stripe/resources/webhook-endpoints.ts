import type Stripe from "stripe";
import { mergeMetadata, sentFields } from "../changes";
import { invalidRequest } from "../errors";
import { listPage } from "../lists";
import { route } from "../routes";
import type { World } from "../world";

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

function assertLoopback(url: string): void {
  if (URL.canParse(url) && LOOPBACK.has(new URL(url).hostname)) return;
  throw invalidRequest(
    "Invalid URL: the simulator delivers to loopback addresses only.",
    "url",
    "url_invalid",
  );
}

function assertApiVersion(world: World, version: string | undefined): void {
  if (version === undefined || version === world.apiVersion) return;
  throw invalidRequest(`The simulator renders events of ${world.apiVersion} only.`, "api_version");
}

interface NewEndpoint {
  url: string;
  secret?: string;
  enabledEvents: string[];
  fields?: Partial<Stripe.WebhookEndpoint>;
}

/** Registers an endpoint and answers its signing secret. */
export function createWebhookEndpoint(
  world: World,
  { url, secret, enabledEvents, fields }: NewEndpoint,
): { endpoint: Stripe.WebhookEndpoint; secret: string } {
  assertLoopback(url);
  const endpoint = world.create("webhook_endpoint", {
    url,
    enabled_events: enabledEvents,
    status: "enabled",
    ...fields,
  });
  const signingSecret = secret ?? `whsec_${world.ids.token("whsec", 32)}`;
  world.store.hidden("webhook_endpoint", endpoint.id).secret = signingSecret;
  return { endpoint, secret: signingSecret };
}

// The secret is shown once, in the answer to the creation.
function create(params: Stripe.WebhookEndpointCreateParams, world: World): Stripe.WebhookEndpoint {
  assertApiVersion(world, params.api_version);
  const { endpoint, secret } = createWebhookEndpoint(world, {
    url: params.url,
    enabledEvents: params.enabled_events,
    fields: {
      api_version: params.api_version ?? null,
      description: params.description || null,
      metadata: mergeMetadata({}, params.metadata),
    },
  });
  return { ...endpoint, secret };
}

function update(
  params: Stripe.WebhookEndpointUpdateParams,
  world: World,
  id: string,
): Stripe.WebhookEndpoint {
  const endpoint = world.get("webhook_endpoint", id);
  if (params.url !== undefined) assertLoopback(params.url);
  Object.assign(endpoint, sentFields(params, "url", "enabled_events", "description"));
  if (params.disabled !== undefined) endpoint.status = params.disabled ? "disabled" : "enabled";
  endpoint.metadata = mergeMetadata(endpoint.metadata, params.metadata);
  return endpoint;
}

function remove(world: World, id: string): Stripe.DeletedWebhookEndpoint {
  world.get("webhook_endpoint", id);
  world.store.remove("webhook_endpoint", id);
  world.deliveries.forgetEndpoint(id);
  return { id, object: "webhook_endpoint", deleted: true };
}

export const webhookEndpointRoutes = [
  route<Stripe.WebhookEndpointCreateParams>(
    "POST",
    "/webhook_endpoints",
    "url enabled_events api_version description metadata",
    (params, { world }) => create(params, world),
  ),
  route("GET", "/webhook_endpoints/{}", "", (_, { world, ids }) => world.get("webhook_endpoint", ids[0]!)),
  route<Stripe.WebhookEndpointUpdateParams>(
    "POST",
    "/webhook_endpoints/{}",
    "url enabled_events description disabled metadata",
    (params, { world, ids }) => update(params, world, ids[0]!),
  ),
  route("DELETE", "/webhook_endpoints/{}", "", (_, { world, ids }) => remove(world, ids[0]!)),
  route<Stripe.WebhookEndpointListParams>(
    "GET",
    "/webhook_endpoints",
    "limit starting_after ending_before",
    (params, { world, path }) => listPage(path, world.store.all("webhook_endpoint"), params),
  ),
];
