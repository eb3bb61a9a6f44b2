import Stripe from "stripe";
import { AppError } from "../errors";

const MAX_NETWORK_RETRIES = 2;
const TIMEOUT_MS = 10_000;

/**
 * The one place that makes a Stripe client.
 * @param apiUrl origin of a stand-in for api.stripe.com; left out: Stripe itself
 */
export function createStripe({ secretKey, apiUrl }: { secretKey: string; apiUrl?: string }): Stripe {
  const stripe = new Stripe(secretKey, {
    ...(apiUrl ? addressOf(new URL(apiUrl)) : {}),
    maxNetworkRetries: MAX_NETWORK_RETRIES,
    timeout: TIMEOUT_MS,
    appInfo: { name: "Tollgate" },
    telemetry: false,
  });
  if (/^(sk|rk)_live_/.test(secretKey)) liveClients.add(stripe);
  return stripe;
}

const liveClients = new WeakSet<Stripe>();

/** Whether a client's key is a live one: events of the other mode are not ours. */
export function isLiveClient(stripe: Stripe): boolean {
  return liveClients.has(stripe);
}

function addressOf(url: URL): { host: string; port: string; protocol: "http" | "https" } {
  const protocol = url.protocol === "http:" ? "http" : "https";
  return { host: url.hostname, port: url.port || (protocol === "http" ? "80" : "443"), protocol };
}

/** What Stripe threw, as our own error; everything else stays what it is. The hint holds codes, never values. */
export function asProviderError(error: unknown): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  return new AppError("PAYMENT_PROVIDER", "The payment provider did not do this. Please try again.", {
    hint: [error.type, error.code, error.param, error.requestId].filter(Boolean).join(" "),
    cause: error,
  });
}

/** Whether Stripe said that what `param` names does not exist; without `param`, what the path names. */
export function isMissingAtStripe(error: unknown, param?: string): boolean {
  if (!(error instanceof Stripe.errors.StripeInvalidRequestError) || error.code !== "resource_missing")
    return false;
  return param === undefined || error.param?.startsWith(param) === true;
}

const statusOf = (error: unknown) =>
  error instanceof Stripe.errors.StripeError ? (error.statusCode ?? 0) : null;

/** Whether the request may still be carried out or has been: it may be sent again under its own key. */
export function isFateUnknown(error: unknown): boolean {
  const status = statusOf(error);
  return error instanceof Stripe.errors.StripeConnectionError || status === 409 || status === 429;
}

/** Whether Stripe will answer this idempotency key with the same failure for a day: the next try needs another key. */
export function isKeySpent(error: unknown): boolean {
  if (isFateUnknown(error)) return false;
  return error instanceof Stripe.errors.StripeIdempotencyError || (statusOf(error) ?? 0) >= 500;
}
