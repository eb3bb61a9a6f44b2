import { testDatabase } from "@tests/support/database";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { proofPrices } from "./model/prices";
import { playHistory } from "./model/session";
import { history } from "./model/steps";
import { LANES, path, runs, seed, TIMEOUT_MS } from "./runs";
import { openStage } from "./stage";

const lanes = path ? 1 : LANES;
const databases = await Promise.all(Array.from({ length: lanes }, () => testDatabase()));
const stages = databases.map((urls) => openStage(urls, proofPrices));
afterAll(() => Promise.all(stages.map((stage) => stage.close())));

test(`${runs.histories} random histories: the engine and a plain model agree on every answer, every balance and the books`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const results = await Promise.all(
    stages.map((stage, lane) =>
      fc.check(
        fc.asyncProperty(history, (one) => playHistory(stage, one)),
        { numRuns: Math.ceil(runs.histories / lanes), seed: seed + lane, path },
      ),
    ),
  );
  for (const result of results) expect(await fc.asyncDefaultReportMessage(result)).toBeUndefined();
});
