import { after } from "next/server";
import { env } from "@/env";
import { createCtx } from "@/server/context";
import { runtime } from "@/server/runtime";
import { receiveStripeWebhook } from "@/server/sync/request";

/** Stripe's events: `npm run plans -- endpoint` registers this address. */
export async function POST(request: Request): Promise<Response> {
  const secrets = [env.STRIPE_WEBHOOK_SECRET, env.STRIPE_WEBHOOK_SECRET_PREVIOUS];
  return receiveStripeWebhook(createCtx(runtime(), { kind: "system", reason: "webhook" }), request, {
    secrets: secrets.filter((secret) => secret !== undefined),
    later: after,
  });
}
