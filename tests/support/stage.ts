import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type World, type WorldOptions, world } from "@tests/support/world";
import type Stripe from "stripe";
import { afterAll, afterEach, expect } from "vitest";
import { startCheckout } from "@/server/billing/checkout";
import type { TenantCtx } from "@/server/context";
import type { CheckoutInput } from "@/server/orders/inputs";
import { pushPrices } from "@/server/stripe/push";
import { createStripe } from "@/server/stripe/stripe-client";
import { receiveStripeWebhook } from "@/server/sync/request";
import { type StripeSimulator, startStripeSimulator } from "@/simulator/stripe/server";

export interface Stage extends World {
  simulator: StripeSimulator;
  stripe: Stripe;
  /** The webhook endpoint's signing secret. */
  secret: string;
  /** Takes an event as the route does, and waits for what it does after its answer. */
  post(request: Request): Promise<Response>;
  /** Everything the simulator has sent has been worked off. */
  settled(): Promise<void>;
  /** Fills in the hosted page and presses its button; answers where it leads. */
  pay(url: string, fields?: Record<string, string>): Promise<{ status: number; location: string | null }>;
  /** From the checkout to the last webhook. */
  buy(ctx: TenantCtx, wish: CheckoutInput): Promise<void>;
  /** Moves the one clock of app and Stripe, and waits for what falls due on the way. */
  advance(step: Parameters<World["clock"]["advance"]>[0]): Promise<void>;
}

/** A world whose Stripe is a simulator of its own, with prices pushed and webhooks delivered over HTTP. */
export async function stage(options: WorldOptions & { push?: boolean } = {}): Promise<Stage> {
  const start = options.start ?? "2026-03-02T09:00:00.000Z";
  let clock: World["clock"] | undefined;
  const simulator = await startStripeSimulator({
    schemaDir: `${process.env.TEST_DATA_DIR ?? ".data-test"}/stripe-schemas`,
    now: () => clock?.now() ?? new Date(start),
    seed: "billing",
    retry: { baseMs: 20, maxAttempts: 5 },
  });
  const stripe = createStripe({ secretKey: "sk_test_sim_billing", apiUrl: simulator.url });
  const made = await world({ ...options, start, stripe });
  clock = made.clock;
  const endpoint = await listen(made, simulator);
  if (options.push !== false) await pushPrices(made.ctx);
  afterEach(() => expect(simulator.violations).toEqual([]));
  afterAll(() => simulator.close());
  const buy = async (ctx: TenantCtx, wish: CheckoutInput) => {
    await pay((await startCheckout(ctx, wish)).url);
    await endpoint.settled();
  };
  const advance: Stage["advance"] = async (step) => {
    made.clock.advance(step);
    await simulator.control.advanceTo(made.clock.now());
    await endpoint.settled();
  };
  return { ...made, simulator, stripe, pay, buy, advance, ...endpoint };
}

/** The webhook route on a real socket. */
async function listen(
  made: World,
  simulator: StripeSimulator,
): Promise<Pick<Stage, "post" | "settled" | "secret">> {
  const running = new Set<Promise<void>>();
  const later = (work: () => Promise<void>) => {
    const run = work().finally(() => running.delete(run));
    running.add(run);
  };
  const settings = { secrets: [] as string[], later };
  const take = (request: Request) => receiveStripeWebhook(made.ctx, request, settings);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = { "stripe-signature": String(request.headers["stripe-signature"]) };
    const answer = await take(
      new Request("http://app.test", { method: "POST", headers, body: Buffer.concat(chunks) }),
    );
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(async () => {
    server.close();
    while (running.size > 0) await Promise.all(running);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  const { secret = "" } = await made.runtime.stripe.webhookEndpoints.create({ url, enabled_events: ["*"] });
  settings.secrets.push(secret);
  const settled = async () => {
    await simulator.control.flush();
    while (running.size > 0) await Promise.all(running);
  };
  const post = async (request: Request) => {
    const answer = await take(request);
    while (running.size > 0) await Promise.all(running);
    return answer;
  };
  return { post, settled, secret };
}

const pay: Stage["pay"] = async (url, fields = {}) => {
  const form = new URLSearchParams({ action: "pay", card: "success", ...fields });
  const response = await fetch(url, { method: "POST", body: form, redirect: "manual" });
  await response.arrayBuffer();
  return { status: response.status, location: response.headers.get("location") };
};

/** The session's id out of the return page's address. */
export function sessionIdOf(location: string | null): string {
  return new URL(location ?? "").searchParams.get("session_id") ?? "";
}
