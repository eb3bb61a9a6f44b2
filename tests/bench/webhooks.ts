import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import Stripe from "stripe";
import { type Ctx, createCtx } from "@/server/context";
import { inTenant } from "@/server/db/transaction";
import { entitleDefault } from "@/server/entitlements/entitle";
import { createStripe } from "@/server/stripe/stripe-client";
import { eventHandlers } from "@/server/sync/jobs";
import { receiveStripeWebhook } from "@/server/sync/request";
import { processDue } from "@/server/webhooks/service";
import { startStripeSimulator } from "@/simulator/stripe/server";
import { shuffled } from "./measure";
import type { Pace } from "./race";
import { benchPrices, benchTenant, openScene, type Scene } from "./scene";
import type { BenchServer } from "./server";

const CUSTOMERS = 50;
const DUPLICATES = 0.3;
const IN_FLIGHT = 64;
const DRAIN_MS = 120_000;
const SECRET = "whsec_of_the_bench";

export interface WebhooksResult {
  deliveries: number;
  /** From the request to the answer, while the ones before are worked off in the same process. */
  ackP50Ms: number;
  ackP99Ms: number;
  /** From the first delivery until the last event is worked off. */
  drainedSeconds: number;
  lost: number;
  doubled: number;
}

/**
 * A burst of events, shuffled, three in ten of them told twice, over HTTP to the endpoint: how long the acknowledgement
 * takes, and whether each event is there and worked off once.
 */
export async function webhooks(server: BenchServer, deliveries: number, pace: Pace): Promise<WebhooksResult> {
  const scene = await openScene(server, { name: "bench_webhooks", tenants: CUSTOMERS });
  const schemaDir = path.join(server.folder, "stripe-schemas");
  const simulator = await startStripeSimulator({ schemaDir, now: () => new Date(), seed: "bench" });
  try {
    const stripe = createStripe({ secretKey: "sk_test_sim_bench", apiUrl: simulator.url });
    const ctx = systemCtx(scene, stripe);
    for (let at = 0; at < CUSTOMERS; at += 1)
      await inTenant({ ...ctx, tenant: benchTenant(at) }, (_tx, inner) => entitleDefault(inner));
    const bodies = await burst(scene, stripe, deliveries);
    pace.onRound(`webhooks: ${bodies.length} deliveries ready`);
    return await run(scene, ctx, bodies);
  } finally {
    await simulator.close();
    await scene.close();
  }
}

function systemCtx({ db }: Scene, stripe: Stripe): Ctx {
  const runtime = {
    db,
    now: () => new Date(),
    prices: benchPrices,
    stripe,
    appUrl: "http://bench.test",
    keyFor: undefined as never,
    clientAddressHeader: null,
  };
  return createCtx(runtime, { kind: "system", reason: "bench" });
}

/** Signed bodies of events about customers that the simulator knows. */
async function burst(
  { owner }: Scene,
  stripe: Stripe,
  deliveries: number,
): Promise<{ body: string; signature: string }[]> {
  const customers: string[] = [];
  for (let at = 0; at < CUSTOMERS; at += 1) {
    const { id } = await stripe.customers.create({});
    const tenant = benchTenant(at).id;
    await owner`insert into customers (tenant_id, customer_id, created_at) values (${tenant}, ${id}, now())`;
    await owner`insert into customer_directory (customer_id, tenant) values (${id}, ${tenant})`;
    customers.push(id);
  }
  const events = Array.from({ length: Math.round(deliveries * (1 - DUPLICATES)) }, (_, at) =>
    JSON.stringify({
      id: `evt_bench_${at}`,
      object: "event",
      type: "customer.subscription.updated",
      api_version: Stripe.API_VERSION,
      livemode: false,
      data: { object: { id: `sub_${at}`, object: "subscription", customer: customers[at % CUSTOMERS] } },
    }),
  );
  const again = shuffled(events).slice(0, deliveries - events.length);
  return shuffled([...events, ...again]).map((payload) => ({
    body: payload,
    signature: stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET }),
  }));
}

async function run(
  { owner }: Scene,
  ctx: Ctx,
  bodies: readonly { body: string; signature: string }[],
): Promise<WebhooksResult> {
  const endpoint = await serve(ctx);
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const latencies: number[] = [];
  const waiting = [...bodies];
  const startedAt = performance.now();
  const sender = async () => {
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      const from = performance.now();
      await post(agent, endpoint.url, one);
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  agent.destroy();
  await endpoint.close();
  await drain({ owner }, ctx);
  const drainedSeconds = (performance.now() - startedAt) / 1_000;
  const told = new Set(bodies.map(({ body }) => body)).size;
  const [row] = await owner`
    select count(*) filter (where status = 'done')::integer as done, count(*)::integer as stored from webhook_inbox`;
  latencies.sort((a, b) => a - b);
  const result = {
    deliveries: bodies.length,
    ackP50Ms: Math.round(latencies[Math.floor(latencies.length * 0.5)]!),
    ackP99Ms: Math.round(latencies[Math.floor(latencies.length * 0.99)]!),
    drainedSeconds: Math.round(drainedSeconds * 10) / 10,
    lost: told - Number(row!.done),
    doubled: Number(row!.stored) - told,
  };
  if (result.lost !== 0 || result.doubled !== 0) process.exitCode = 1;
  return result;
}

/** The endpoint as the route has it: what is stored is worked off after the answer. */
async function serve(ctx: Ctx): Promise<{ url: string; close(): Promise<void> }> {
  const running = new Set<Promise<void>>();
  const later = (work: () => Promise<void>) => {
    const task = work()
      // What fails now, the run at the end works off.
      .catch(() => {})
      .finally(() => running.delete(task));
    running.add(task);
  };
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers = { "stripe-signature": String(incoming.headers["stripe-signature"]) };
    const told = new Request("http://bench.test", { method: "POST", headers, body: Buffer.concat(chunks) });
    const answer = await receiveStripeWebhook(ctx, told, { secrets: [SECRET], later }).catch(
      () => new Response(null, { status: 500 }),
    );
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async () => {
    while (running.size > 0) await Promise.all(running);
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

/** As Stripe does it: anything but 200 is sent again. */
async function post(agent: Agent, url: string, one: { body: string; signature: string }): Promise<void> {
  for (;;) {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { "stripe-signature": one.signature };
      const outgoing = request(url, { method: "POST", agent, headers }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode));
      });
      outgoing.on("error", reject);
      outgoing.end(one.body);
    });
    if (status === 200) return;
  }
}

/** Until nothing waits any more, back-offs included. */
async function drain({ owner }: Pick<Scene, "owner">, ctx: Ctx): Promise<void> {
  const untilMs = performance.now() + DRAIN_MS;
  while (performance.now() < untilMs) {
    await processDue(ctx, eventHandlers, { limit: 100_000 });
    const [row] =
      await owner`select count(*)::integer as waiting from webhook_inbox where status = 'pending'`;
    if (row!.waiting === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
