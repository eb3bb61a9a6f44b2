import { mkdir, writeFile } from "node:fs/promises";
import Stripe from "stripe";
import { expect, test } from "vitest";
import { FLOWS, playFlow, setStage } from "./flows";
import { sandboxKey } from "./sandbox-key";

// Collected only when a key of a sandbox is set: it records what the real Stripe says.
const EVENTS_LISTED_MS = 5000;
const MINUTES = 15 * 60_000;

test.each(FLOWS)(
  "a sandbox says what happens in the flow $name, and it is written down",
  async (flow) => {
    const stripe = new Stripe(sandboxKey() ?? "");
    const stage = await setStage(stripe, Math.floor(Date.UTC(2027, 0, 31, 12) / 1000), EVENTS_LISTED_MS);
    const told = await playFlow(flow, stage, EVENTS_LISTED_MS);
    await stripe.testHelpers.testClocks.del(stage.clock);
    expect(Object.values(told).flat().length).toBeGreaterThan(0);
    await mkdir("tests/simulator/golden", { recursive: true });
    await writeFile(`tests/simulator/golden/${flow.name}.json`, `${JSON.stringify(told, null, 2)}\n`);
  },
  MINUTES,
);
