import fc from "fast-check";
import { test } from "vitest";
import { checkOnLanes, openLanes } from "./lanes";
import { playHistory } from "./model/session";
import { history } from "./model/steps";
import { pastHistories } from "./past";
import { runs, TIMEOUT_MS } from "./runs";

const stages = await openLanes();

test.each(pastHistories)("what once went wrong, $what, goes right", ({ history: past }) =>
  playHistory(stages[0]!, past),
);

test(
  `${runs.histories} random histories: the engine and a plain model agree on every answer, every balance and the books`,
  {
    timeout: TIMEOUT_MS,
  },
  () =>
    checkOnLanes("model", stages, runs.histories, (stage) =>
      fc.asyncProperty(history, (one) => playHistory(stage, one)),
    ),
);
