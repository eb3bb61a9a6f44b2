import { writeSync } from "node:fs";
import { loadStep } from "./load";
import { proofPrices } from "./model/prices";
import { scenario } from "./scenario";
import { openStage, sameTenant } from "./stage";
import { watchStatements } from "./statements";

/**
 * A process to be killed. It plays the scenario for one tenant, or a lane of load for each, and says on its output
 * what it was answered. FAIL_AT=n kills it -9 right before it sends its n-th statement, or says its n-th answer;
 * FAIL_WHEN=sent kills it right after.
 */
const { PROOF_APP_URL = "", PROOF_TENANTS = "", PROOF_LOAD, FAIL_AT, FAIL_WHEN } = process.env;
const points: string[] = [];

function pass(point: string): void {
  points.push(point);
  if (points.length !== Number(FAIL_AT)) return;
  const die = () => process.kill(process.pid, "SIGKILL");
  if (FAIL_WHEN !== "sent") die();
  // postgres.js hands its bytes to the system in the next round.
  setImmediate(() => setImmediate(die));
}

/** Written at once and to the end, so that nothing said is lost with the process. */
const say = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);

const stage = openStage({ appUrl: PROOF_APP_URL, ownerUrl: PROOF_APP_URL }, proofPrices, {
  poolSize: 4,
  wrap: (client) => watchStatements(client, { before: pass }),
});
let nowMs = 0;
const tenants = PROOF_TENANTS.split(",").map((id) => sameTenant(stage, () => new Date(nowMs), id));

async function playScenario(): Promise<void> {
  for (const [at, { atMs, run }] of scenario.entries()) {
    nowMs = atMs;
    await run(tenants[0]!);
    pass("answer");
    say({ done: at });
  }
  say({ points });
}

async function carryLoad(round: string): Promise<void> {
  nowMs = Date.now();
  const lane = async (number: number) => {
    for (let n = 0; ; n += 1) {
      const { key, run } = loadStep(round, number, n);
      say({ key, lane: number, n, made: await run(tenants[number % tenants.length]!) });
    }
  };
  await Promise.all(Array.from({ length: 6 }, (_, number) => lane(number)));
}

await (PROOF_LOAD === undefined ? playScenario() : carryLoad(PROOF_LOAD));
await stage.close();
