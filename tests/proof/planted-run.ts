import fc from "fast-check";
import { prices as creditPrices } from "./credits/prices";
import { playHistory as playCredits } from "./credits/session";
import { history as historyOfCredits } from "./credits/steps";
import { Disagreement } from "./model/compare";
import { proofPrices } from "./model/prices";
import { playHistory } from "./model/session";
import { history, historyAbout } from "./model/steps";
import { openStage } from "./stage";

/** Random histories against the source that this is compiled from, and against a database: either may have a fault in it. */
const { appUrl, ownerUrl, seed, part, histories, about } = JSON.parse(process.argv[2]!);
const ofCredits = part === "credits";

/** PostgreSQL's own constraints catch some faults before anybody compares. Anything else is no fault but a mess. */
function caught(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (cause instanceof Disagreement || /^23/.test(code ?? "")) return true;
  }
  return false;
}

const stage = openStage({ appUrl, ownerUrl }, ofCredits ? creditPrices.block : proofPrices);
const ofModel = about && !ofCredits ? historyAbout(fc.constant({ ...about, stepsBack: false })) : history;
const runs = { numRuns: histories, seed, endOnFailure: true };
const property = ofCredits
  ? fc.asyncProperty(historyOfCredits(about), (one) => playCredits(stage, one))
  : fc.asyncProperty(ofModel, (one) => playHistory(stage, one));
const result = await fc.check<[unknown]>(property as fc.IAsyncProperty<[unknown]>, runs);
await stage.close();
const error: unknown = result.failed ? result.errorInstance : null;
console.log(
  JSON.stringify({
    outcome: !result.failed ? "agreed" : caught(error) ? "caught" : "broken",
    histories: result.numRuns,
    said: error instanceof Error ? `${error.message}\n${error.cause ?? ""}`.slice(0, 2_000) : null,
  }),
);
