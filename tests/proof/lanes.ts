import { inspect } from "node:util";
import { testDatabase } from "@tests/support/database";
import { seed } from "@tests/support/seed";
import fc from "fast-check";
import { afterAll } from "vitest";
import type { PriceList } from "@/lib/price-list";
import type { DatabaseOptions } from "@/server/db/client";
import { proofPrices } from "./model/prices";
import { LANES, path } from "./runs";
import { openStage, type Stage } from "./stage";

/** Databases of this file's own: jobs look at every tenant, so what runs at the same time must not share one. */
export async function openLanes(
  options: () => DatabaseOptions = () => ({}),
  prices: PriceList = proofPrices,
): Promise<Stage[]> {
  const lanes = path ? 1 : LANES;
  const databases = await Promise.all(Array.from({ length: lanes }, () => testDatabase()));
  const stages = databases.map((urls) => openStage(urls, prices, options()));
  afterAll(() => Promise.all(stages.map((stage) => stage.close())));
  return stages;
}

/**
 * Checks a property on all lanes at once, each with a seed of its own.
 * @returns what went wrong, with the command that plays the failing case again; null when nothing did
 */
export async function failureOnLanes<T extends [unknown, ...unknown[]]>(
  part: string,
  stages: Stage[],
  numRuns: number,
  property: (stage: Stage, lane: number) => fc.IAsyncProperty<T>,
): Promise<string | null> {
  const results = await Promise.all(
    stages.map((stage, lane) =>
      fc.check(property(stage, lane), {
        numRuns: Math.ceil(numRuns / stages.length),
        seed: seed + lane,
        path,
      }),
    ),
  );
  const failed = results.find((result) => result.failed);
  if (!failed) return null;
  const { errorInstance, counterexample, seed: itsSeed, counterexamplePath } = failed;
  const again = `npm run proof -- --part ${part} --seed ${itsSeed} --path ${counterexamplePath}`;
  return [inspect(errorInstance), `Again: ${again}`, `The case: ${fc.stringify(counterexample)}`].join(
    "\n\n",
  );
}
