import Stripe from "stripe";
import type { Ctx } from "../context";
import { asProviderError } from "../stripe/stripe-client";
import { stripeEvents } from "./handlers";

const PATH = "/api/webhooks/stripe";
const MAX_ENDPOINTS = 100;

export interface RegisteredEndpoint {
  id: string;
  url: string;
  /** `replaced`: the one before told events in another API version; it still sends until somebody deletes it. */
  outcome: "made" | "replaced" | "updated" | "kept";
  /** Stripe shows it once, when an endpoint is made: STRIPE_WEBHOOK_SECRET. */
  secret: string | null;
  /** Endpoints of this address that tell events in another API version. */
  outdated: string[];
}

/**
 * Registers this app's webhook endpoint at Stripe, with exactly the events that have a handler, told in the API version
 * of the `stripe` package. Told twice, it makes nothing new.
 * @throws AppError PAYMENT_PROVIDER
 */
export async function registerWebhookEndpoint(ctx: Ctx): Promise<RegisteredEndpoint> {
  const url = `${ctx.appUrl}${PATH}`;
  const events = Object.keys(stripeEvents).sort() as Stripe.WebhookEndpointCreateParams.EnabledEvent[];
  try {
    const here = (
      await ctx.stripe.webhookEndpoints.list({ limit: 100 }).autoPagingToArray({ limit: MAX_ENDPOINTS })
    ).filter((endpoint) => endpoint.url === url);
    const current = here.find(({ api_version }) => api_version === Stripe.API_VERSION);
    const outdated = here.filter((endpoint) => endpoint !== current).map(({ id }) => id);
    if (!current) return { ...(await make(ctx, url, events, outdated.length > 0)), outdated };
    if (isSame(current, events)) return { id: current.id, url, outcome: "kept", secret: null, outdated };
    await ctx.stripe.webhookEndpoints.update(current.id, { enabled_events: events, disabled: false });
    return { id: current.id, url, outcome: "updated", secret: null, outdated };
  } catch (error) {
    throw asProviderError(error);
  }
}

function isSame({ enabled_events, status }: Stripe.WebhookEndpoint, events: readonly string[]): boolean {
  return status === "enabled" && enabled_events.toSorted().join() === events.join();
}

async function make(
  ctx: Ctx,
  url: string,
  enabled_events: Stripe.WebhookEndpointCreateParams.EnabledEvent[],
  replaces: boolean,
): Promise<Omit<RegisteredEndpoint, "outdated">> {
  const api_version = Stripe.API_VERSION;
  const { id, secret } = await ctx.stripe.webhookEndpoints.create({
    url,
    enabled_events,
    api_version,
    description: "Tollgate",
  });
  return { id, url, outcome: replaces ? "replaced" : "made", secret: secret ?? null };
}
