import { testDatabase } from "@tests/support/database";
import { afterAll, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { type Child, compileWorker, startWorker } from "./child";
import { insist, loadStep } from "./load";
import { proofPrices } from "./model/prices";
import { runs, seed, TIMEOUT_MS } from "./runs";
import { scenario } from "./scenario";
import { newTenant, openStage } from "./stage";
import { storyOf } from "./story";

const urls = await testDatabase();
const stage = openStage(urls, proofPrices);
const worker = await compileWorker();
afterAll(async () => {
  await stage.close();
  await worker.remove();
});

/** Children at once. Each mostly waits for the database. */
const AT_ONCE = 3;
const clock = { ms: scenario[0]!.atMs };
const tenantAtStart = () => newTenant(stage, () => new Date(scenario[0]!.atMs));

async function playFrom(ctx: TenantCtx, at: number): Promise<unknown> {
  for (const { atMs, run } of scenario.slice(at)) await run({ ...ctx, now: () => new Date(atMs) });
  return storyOf(stage.owner, ctx.tenant.id);
}

const child = (ctx: TenantCtx, env: Record<string, string>): Child =>
  startWorker(worker.file, { PROOF_APP_URL: urls.appUrl, PROOF_TENANTS: ctx.tenant.id, ...env });

async function inParallel<T>(work: T[], run: (one: T) => Promise<void>): Promise<void> {
  const left = [...work];
  const lane = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await run(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

test("killed -9 before or in any statement of any verb, and before any answer: asked again, everything is done once", {
  timeout: TIMEOUT_MS,
}, async () => {
  const undisturbed = await playFrom(await tenantAtStart(), 0);
  const whole = await tenantAtStart();
  const counting = child(whole, {});
  expect(await counting.ended).toBe(0);
  expect(await storyOf(stage.owner, whole.tenant.id)).toEqual(undisturbed);
  const points = counting.said.at(-1)!.points as string[];
  expect(points.length).toBeGreaterThan(scenario.length * 3);

  // Inside a transaction a statement that was sent dies with it like one that was not. What ends one may take effect.
  const effective = (point: string) => point === "commit" || point.includes("from gate_consume");
  const deaths = points.flatMap((point, at) => [
    { FAIL_AT: String(at + 1), FAIL_WHEN: "before" },
    ...(effective(point) ? [{ FAIL_AT: String(at + 1), FAIL_WHEN: "sent" }] : []),
  ]);
  await inParallel(deaths, async (death) => {
    const ctx = await tenantAtStart();
    const dying = child(ctx, death);
    expect([death, await dying.ended]).toEqual([death, "SIGKILL"]);
    expect([death, await playFrom(ctx, dying.said.length)]).toEqual([death, undisturbed]);
  });
  clock.ms = scenario.at(-1)!.atMs;
  expect(await verifyBooks({ ...whole, now: () => new Date(clock.ms) })).toEqual([]);
});

test(`${runs.appKills} times kill -9 at any moment under load: what was answered is there, and nothing is there twice`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const cast = [await newTenant(stage, () => new Date()), await newTenant(stage, () => new Date())];
  const rounds = Array.from({ length: runs.appKills }, (_, at) => at);
  await inParallel(rounds, async (round) => {
    const name = `${seed}-${round}`;
    const ids = cast.map((ctx) => ctx.tenant.id).join(",");
    const dying = startWorker(worker.file, {
      PROOF_APP_URL: urls.appUrl,
      PROOF_TENANTS: ids,
      PROOF_LOAD: name,
    });
    // How many answers it lives for is all that is random; the machine adds its own moment to it.
    const lives = 1 + ((seed + round * 7_919) % 150);
    await expect.poll(() => dying.said.length, { interval: 1, timeout: 30_000 }).toBeGreaterThanOrEqual(lives);
    dying.process.kill("SIGKILL");
    expect(await dying.ended).toBe("SIGKILL");
    await confirm(name, dying.said as never, cast);
  });
  expect(await verifyBooks(cast[0]!)).toEqual([]);
});

/** Asks once more for every answer, and for those that were on their way: the same, and only one of each. */
async function confirm(
  round: string,
  said: { lane: number; n: number; made: string | null }[],
  cast: TenantCtx[],
): Promise<void> {
  for (const lane of [0, 1, 2, 3, 4, 5]) {
    const ctx = cast[lane % cast.length]!;
    const answered = said.filter((one) => one.lane === lane);
    for (const { n, made } of answered.filter((one) => one.made !== null))
      expect(await insist(() => loadStep(round, lane, n).run(ctx))).toBe(made);
    await insist(() => loadStep(round, lane, answered.length).run(ctx));
  }
}
