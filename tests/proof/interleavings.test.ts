import fc from "fast-check";
import { expect, test } from "vitest";
import { failureOnLanes, openLanes } from "./lanes";
import { playHistory } from "./model/session";
import { encounter } from "./model/steps";
import { runs, TIMEOUT_MS } from "./runs";
import { Turns } from "./turns";

const turns: Turns[] = [];
const stages = await openLanes(() => {
  const own = new Turns();
  turns.push(own);
  return { wrap: own.wrap };
});

test(`${runs.interleavings} interleavings of one process, statement by statement: what was answered and left behind is that of some serial order`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const failure = await failureOnLanes("interleavings", stages, runs.interleavings, (stage, lane) =>
    fc.asyncProperty(encounter, fc.scheduler(), (history, scheduler) =>
      playHistory(stage, history, (calls) => turns[lane]!.take(scheduler, stage.owner, calls)),
    ),
  );
  expect(failure).toBeNull();
  // One lock order everywhere: whoever waits, waits for somebody who goes on.
  for (const { owner } of stages)
    expect(
      await owner`select deadlocks::int from pg_stat_database where datname = current_database()`,
    ).toEqual([{ deadlocks: 0 }]);
});
