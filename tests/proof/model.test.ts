import fc from "fast-check";
import { expect, test } from "vitest";
import { failureOnLanes, openLanes } from "./lanes";
import { playHistory } from "./model/session";
import { history } from "./model/steps";
import { pastHistories } from "./past";
import { runs, TIMEOUT_MS } from "./runs";

const stages = await openLanes();

test.each(pastHistories)("what once went wrong, $what, goes right", async ({ history: past }) => {
  await expect(playHistory(stages[0]!, past)).resolves.toBeUndefined();
});

test(`${runs.histories} random histories: the engine and a plain model agree on every answer, every balance and the books`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const failure = await failureOnLanes("model", stages, runs.histories, (stage) =>
    fc.asyncProperty(history, (one) => playHistory(stage, one)),
  );
  expect(failure).toBeNull();
});
