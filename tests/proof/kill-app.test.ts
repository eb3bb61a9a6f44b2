import { testDatabase } from "@tests/support/database";
import { seed } from "@tests/support/seed";
import { afterAll, expect, test } from "vitest";
import type { TenantCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { type Child, compile, startWorker } from "./child";
import { insist, loadStep } from "./load";
import { proofPrices } from "./model/prices";
import { runs, TIMEOUT_MS } from "./runs";
import { scenario } from "./scenario";
import { forget, newTenant, openStage, systemCtx } from "./stage";
import { storyOf } from "./story";

/** Children at once, each in a database of its own: the scenario's jobs look at every tenant. */
const AT_ONCE = 3;
const databases = await Promise.all(Array.from({ length: AT_ONCE }, () => testDatabase()));
const stages = databases.map((urls) => ({ ...openStage(urls, proofPrices), appUrl: urls.appUrl }));
const worker = await compile("worker.ts");
afterAll(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
  await worker.remove();
});

type KillStage = (typeof stages)[number];
const startAt = new Date(scenario[0]!.atMs);
const endAt = new Date(scenario.at(-1)!.atMs);
const tenantAtStart = (stage: KillStage) => newTenant(stage, () => startAt);

async function playFrom(stage: KillStage, ctx: TenantCtx, at: number): Promise<unknown> {
  for (const { atMs, run } of scenario.slice(at)) await run({ ...ctx, now: () => new Date(atMs) });
  return storyOf(stage.owner, ctx.tenant.id);
}

const startChild = (stage: KillStage, tenants: TenantCtx[], env: Record<string, string>): Child =>
  startWorker(worker.file, {
    PROOF_APP_URL: stage.appUrl,
    PROOF_TENANTS: tenants.map((ctx) => ctx.tenant.id).join(","),
    ...env,
  });

async function inParallel<T>(work: T[], run: (one: T, stage: KillStage) => Promise<void>): Promise<void> {
  const left = [...work];
  const lane = async (stage: KillStage) => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await run(one, stage);
  };
  await Promise.all(stages.map(lane));
}

/** Every place in the scenario where a process may die, and whether a death in mid-air differs from one before it. */
async function deaths(
  stage: KillStage,
  undisturbed: unknown,
): Promise<{ FAIL_AT: string; FAIL_WHEN: string }[]> {
  const ctx = await tenantAtStart(stage);
  const counting = startChild(stage, [ctx], {});
  expect(await counting.ended).toBe(0);
  expect(await storyOf(stage.owner, ctx.tenant.id)).toEqual(undisturbed);
  const points = counting.said.at(-1)!.points as string[];
  expect(points.length).toBeGreaterThan(scenario.length * 3);
  // Inside a transaction a statement that was sent dies with it like one that was not. What ends one may take effect.
  const effective = (point: string) => point === "commit" || point.includes("gate_consume");
  return points.flatMap((point, at) => [
    { FAIL_AT: String(at + 1), FAIL_WHEN: "before" },
    ...(effective(point) ? [{ FAIL_AT: String(at + 1), FAIL_WHEN: "sent" }] : []),
  ]);
}

test("killed -9 before or in any statement of any verb, and before any answer: asked again, everything is done once", {
  timeout: TIMEOUT_MS,
}, async () => {
  const undisturbed = await playFrom(stages[0]!, await tenantAtStart(stages[0]!), 0);
  for (const stage of stages.slice(1)) await tenantAtStart(stage);
  await inParallel(await deaths(stages[0]!, undisturbed), async (death, stage) => {
    const ctx = await tenantAtStart(stage);
    const dying = startChild(stage, [ctx], death);
    expect([death, await dying.ended]).toEqual([death, "SIGKILL"]);
    expect([death, await playFrom(stage, ctx, dying.said.length)]).toEqual([death, undisturbed]);
  });
  for (const stage of stages) expect(await verifyBooks(systemCtx(stage, () => endAt))).toEqual([]);
});

test(`${runs.appKills} times kill -9 at any moment under load: what was answered is there, and nothing is there twice`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const now = () => new Date();
  const rounds = Array.from({ length: runs.appKills }, (_, at) => at);
  await inParallel(rounds, async (round, stage) => {
    const cast = [await newTenant(stage, now), await newTenant(stage, now)];
    const name = `${seed}-${round}`;
    const dying = startChild(stage, cast, { PROOF_LOAD: name });
    // How many answers it lives for is all that is chosen; the machine adds a moment of its own.
    const lives = 1 + ((seed + round * 7_919) % 150);
    await expect
      .poll(() => dying.said.length, { interval: 1, timeout: 30_000 })
      .toBeGreaterThanOrEqual(lives);
    dying.process.kill("SIGKILL");
    expect(await dying.ended).toBe("SIGKILL");
    await confirm(name, dying.said as never, cast);
    expect(await verifyBooks(systemCtx(stage, now))).toEqual([]);
    for (const ctx of cast) await forget(stage, ctx.tenant.id);
  });
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
