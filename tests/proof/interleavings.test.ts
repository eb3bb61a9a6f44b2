import { testDatabase } from "@tests/support/database";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { proofPrices } from "./model/prices";
import { playHistory } from "./model/session";
import { encounter } from "./model/steps";
import { LANES, path, runs, seed, TIMEOUT_MS } from "./runs";
import { openStage } from "./stage";
import { Turns } from "./turns";

const lanes = path ? 1 : LANES;
const databases = await Promise.all(Array.from({ length: lanes }, () => testDatabase()));
const stages = databases.map((urls) => {
  const turns = new Turns();
  return { turns, stage: openStage(urls, proofPrices, { wrap: turns.wrap }) };
});
afterAll(() => Promise.all(stages.map(({ stage }) => stage.close())));

test(`${runs.interleavings} interleavings of one process, statement by statement: what was answered and left behind is that of some serial order`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const results = await Promise.all(
    stages.map(({ stage, turns }, lane) =>
      fc.check(
        fc.asyncProperty(encounter, fc.scheduler(), (history, scheduler) =>
          playHistory(stage, history, (calls) => turns.take(scheduler, stage.owner, calls)),
        ),
        { numRuns: Math.ceil(runs.interleavings / lanes), seed: seed + lane, path },
      ),
    ),
  );
  for (const result of results) expect(await fc.asyncDefaultReportMessage(result)).toBeUndefined();
});
