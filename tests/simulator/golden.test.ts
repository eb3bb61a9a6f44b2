import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FLOWS, playFlow, setStage } from "./flows";
import { Scene } from "./support";

const FOLDER = "tests/simulator/golden";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start({ now: () => new Date("2027-01-31T12:00:00Z") });
});
afterEach(() => scene.end());

/** What a sandbox said, once somebody has recorded it; nothing to hold the simulator to before that. */
async function recorded(flow: string): Promise<Record<string, string[]> | null> {
  const names = await readdir(FOLDER);
  if (!names.includes(`${flow}.json`)) return null;
  return JSON.parse(await readFile(`${FOLDER}/${flow}.json`, "utf8")) as Record<string, string[]>;
}

test.each(FLOWS)(
  "the flow $name tells of every step, and as a sandbox did where that is recorded",
  async (flow) => {
    const frozenTime = Math.floor(scene.sim.control.now().getTime() / 1000);
    const told = await playFlow(flow, await setStage(scene.stripe, frozenTime, 0), 0);
    for (const types of Object.values(told)) expect(types.length).toBeGreaterThan(0);
    expect(told).toEqual((await recorded(flow.name)) ?? told);
  },
);
