import { createHash, randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { startApp } from "./app";
import { measure, middle, type Sample, shuffled } from "./measure";
import type { Pace } from "./race";
import { benchTenant, openScene, type Scene } from "./scene";
import type { BenchServer } from "./server";

const TENANTS = 10_000;
const KEYS = 1_000;
/** As many as keep one `next start` process busy without a queue of seconds. */
const IN_FLIGHT = 64;

export interface HttpResult {
  overEmpty: number;
  perSecond: number;
  emptyPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * `quota.consume` over HTTP against a procedure that does nothing, on one server: same route, same checks, an API key of
 * one of a thousand tenants. The difference is what a decision costs on top of a request. Ratios are taken within a
 * round; the median counts.
 */
export async function http(server: BenchServer, pace: Pace): Promise<HttpResult> {
  const scene = await openScene(server, { name: "bench_http", tenants: TENANTS });
  try {
    const keys = await addKeys(scene, KEYS);
    const app = await startApp(server.folder, scene.appUrl);
    const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
    try {
      pace.onRound("http: app built and started");
      const post = (path: string) => () =>
        send(agent, `${app.url}/api/trpc/${path}`, keys[Math.floor(Math.random() * KEYS)]!);
      return await rounds(scene, { empty: post("empty.call"), consume: post("quota.consume") }, pace);
    } finally {
      agent.destroy();
      await app.stop();
    }
  } finally {
    await scene.close();
  }
}

async function rounds(
  scene: Scene,
  calls: Record<"empty" | "consume", () => Promise<void>>,
  pace: Pace,
): Promise<HttpResult> {
  const samples: Record<"empty" | "consume", Sample[]> = { empty: [], consume: [] };
  const names = ["empty", "consume"] as const;
  let consumed = 0;
  const run = async (name: (typeof names)[number], seconds: number) => {
    const sample = await measure(calls[name], IN_FLIGHT, seconds);
    if (name === "consume") consumed += sample.calls;
    return sample;
  };
  for (const name of names) await run(name, 5 * pace.warmSeconds);
  for (let round = 1; round <= pace.rounds; round += 1) {
    for (const name of shuffled(names)) samples[name].push(await run(name, pace.seconds));
    pace.onRound(`http: round ${round} of ${pace.rounds}`);
  }
  const [row] = await scene.owner`select sum(used)::bigint as used from meters`;
  if (Number(row!.used) !== consumed) {
    console.error({ consumed, booked: Number(row!.used) });
    process.exitCode = 1;
  }
  return {
    overEmpty: middle(samples.consume.map((one, at) => one.perSecond / samples.empty[at]!.perSecond)),
    perSecond: Math.round(middle(samples.consume.map((one) => one.perSecond))),
    emptyPerSecond: Math.round(middle(samples.empty.map((one) => one.perSecond))),
    p50Ms: middle(samples.consume.map((one) => one.p50Ms)),
    p99Ms: middle(samples.consume.map((one) => one.p99Ms)),
  };
}

/** A key for each of the first tenants, as the app makes them. */
export async function addKeys(scene: Scene, count: number): Promise<string[]> {
  const made = Array.from({ length: count }, (_, index) => {
    const { id } = benchTenant(index);
    const secret = randomBytes(32).toString("base64url");
    const secretHash = createHash("sha256").update(secret).digest("hex");
    return { id, secretHash, key: `tgk_${id.slice("ten_".length)}_${secret}` };
  });
  await scene.owner`insert into api_keys (tenant_id, id, name, secret_hash, hint, created_by, created_at)
    select t, 'key_' || right(t, 26), 'bench', h, '', 'system:bench', now()
    from unnest(${made.map(({ id }) => id)}::text[], ${made.map(({ secretHash }) => secretHash)}::text[]) q(t, h)`;
  return made.map(({ key }) => key);
}

/** Both procedures get the same body. */
const BODY = JSON.stringify({ json: { feature: "messages" } });

function send(agent: Agent, url: string, key: string): Promise<void> {
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(BODY),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method: "POST", headers }, (answer) => {
      answer.resume();
      answer.once("end", () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${answer.statusCode}.`)),
      );
      answer.once("error", reject);
    });
    sent.once("error", reject).end(BODY);
  });
}
