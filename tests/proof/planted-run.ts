import fc from "fast-check";
import { migrate } from "@/server/db/migrate";
import { prices as creditPrices } from "./credits/prices";
import { playHistory as playCredits } from "./credits/session";
import { history as historyOfCredits } from "./credits/steps";
import { Disagreement } from "./model/compare";
import { proofPrices } from "./model/prices";
import { playHistory } from "./model/session";
import { history, historyAbout } from "./model/steps";
import { openStage } from "./stage";

/** Random histories against the source tree that this file stands in, which may be a copy with a fault in it. */
const { PROOF_OWNER_URL = "", PROOF_APP_URL = "", PROOF_HISTORIES = "", PROOF_SEED = "" } = process.env;
const { PROOF_ABOUT, PROOF_PART } = process.env;
const ofCredits = PROOF_PART === "credits";

/** PostgreSQL's own constraints catch some faults before anybody compares. Anything else is no fault but a mess. */
function caught(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (cause instanceof Disagreement || /^23/.test(code ?? "")) return true;
  }
  return false;
}

await migrate({ ownerUrl: PROOF_OWNER_URL, appUrl: PROOF_APP_URL });
const stage = openStage(
  { appUrl: PROOF_APP_URL, ownerUrl: PROOF_OWNER_URL },
  ofCredits ? creditPrices.block : proofPrices,
);
const histories =
  PROOF_ABOUT && !ofCredits
    ? historyAbout(fc.constant({ ...JSON.parse(PROOF_ABOUT), stepsBack: false }))
    : history;
const runs = { numRuns: Number(PROOF_HISTORIES), seed: Number(PROOF_SEED), endOnFailure: true };
const result = ofCredits
  ? await fc.check(
      fc.asyncProperty(historyOfCredits(PROOF_ABOUT ? JSON.parse(PROOF_ABOUT) : undefined), (one) =>
        playCredits(stage, one),
      ),
      runs,
    )
  : await fc.check(
      fc.asyncProperty(histories, (one) => playHistory(stage, one)),
      runs,
    );
await stage.close();
const error: unknown = result.failed ? result.errorInstance : null;
console.log(
  JSON.stringify({
    outcome: !result.failed ? "agreed" : caught(error) ? "caught" : "broken",
    histories: result.numRuns,
    said: error instanceof Error ? `${error.message}\n${error.cause ?? ""}`.slice(0, 2_000) : null,
  }),
);
