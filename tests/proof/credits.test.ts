import fc from "fast-check";
import { expect, test } from "vitest";
import { prices } from "./credits/prices";
import { playHistory } from "./credits/session";
import { history } from "./credits/steps";
import { failureOnLanes, openLanes } from "./lanes";
import { runs, TIMEOUT_MS } from "./runs";

const stages = await openLanes(undefined, prices.block);

test(`${runs.creditHistories} random histories of credits: bought, given, spent, refunded, disputed, expired and refilled in any order, nothing is free, lost or made permanent`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const failure = await failureOnLanes("credits", stages, runs.creditHistories, (stage) =>
    fc.asyncProperty(history(), (one) => playHistory(stage, one)),
  );
  expect(failure).toBeNull();
});
