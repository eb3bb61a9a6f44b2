import Stripe from "stripe";
import { systemClock } from "@/lib/time";
import type { Ctx } from "../context";
import { processEvent, receive } from "../webhooks/service";
import { inSlot } from "../webhooks/slots";
import { receivedOf } from "./handlers";
import { eventHandlers } from "./jobs";

export interface WebhookSettings {
  /** Signing secrets that count now: the current one, and the previous one while they are rotated. */
  secrets: readonly string[];
  /** Runs work after the answer has gone out. */
  later: (work: () => Promise<void>) => void;
}

const MAX_BODY_BYTES = 1_000_000;
const TOLERANCE_SECONDS = 300;

/**
 * Takes a Stripe webhook: verify the raw body → store → 200 → process. 400 for what Stripe did not sign for us,
 * 413 for too much, 503 while no secret is set; anything thrown is a 500, and Stripe sends the event again.
 */
export async function receiveStripeWebhook(
  ctx: Ctx,
  request: Request,
  settings: WebhookSettings,
): Promise<Response> {
  if (settings.secrets.length === 0) return answer(503, "Webhooks are not configured.");
  const body = await readBody(request);
  if (!body) return answer(413, "Too large.");
  const event = await verified(ctx, body, request.headers.get("stripe-signature"), settings.secrets);
  if (!event) return answer(400, "Not signed for this endpoint.");
  if (event.api_version !== Stripe.API_VERSION) {
    console.warn(
      `Stripe event ${event.id} has API version ${event.api_version}; this code expects ${Stripe.API_VERSION}.`,
    );
  }
  const stored = receivedOf(event);
  const outcome = await receive(ctx, stored);
  if (outcome === "stored") settings.later(() => inSlot(() => processEvent(ctx, eventHandlers, stored)));
  return answer(200, outcome);
}

const answer = (status: number, message: string) => Response.json({ message }, { status });

/** null when there is more than the cap, however much the sender said there is. */
async function readBody(request: Request): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (!request.body) return new Uint8Array();
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function verified(
  ctx: Ctx,
  body: Uint8Array,
  signature: string | null,
  secrets: readonly string[],
): Promise<Stripe.Event | null> {
  if (!signature || isFromTheFuture(signature)) return null;
  for (const secret of secrets) {
    try {
      return await ctx.stripe.webhooks.constructEventAsync(body, signature, secret, TOLERANCE_SECONDS);
    } catch {
      // Whatever is wrong with it, signature or text: the next secret may fit, and if none does it is refused.
    }
  }
  return null;
}

/** The SDK refuses stamps that are too old; one that is too far ahead would stay valid for longer than it may. */
function isFromTheFuture(signature: string): boolean {
  const stamp = Number(/(?:^|,)t=(\d+)(?:,|$)/.exec(signature)?.[1]);
  return stamp > systemClock().getTime() / 1_000 + TOLERANCE_SECONDS;
}
