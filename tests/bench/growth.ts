import { gate } from "./contenders";
import { measure, middle, type Sample, shuffled } from "./measure";
import type { Pace } from "./race";
import { openScene, type Scene, type SceneOptions } from "./scene";
import type { BenchServer } from "./server";

export interface Sizes {
  few: number;
  many: number;
  entries: number;
}

export interface Growth {
  /** Rates of shared calls with ten times the tenants, and with five million entries, as shares of the rate without. */
  tenants: number;
  entries: number;
  perSecond: Record<"base" | "tenants" | "entries", number>;
}

/**
 * Three databases side by side, each measured in every round: the machine's drift meets all of them. A ratio is taken
 * within a round, and the median of the rounds counts.
 */
export async function growth(server: BenchServer, sizes: Sizes, pace: Pace): Promise<Growth> {
  const scenes: Record<string, SceneOptions> = {
    base: { name: "bench_base", tenants: sizes.few },
    tenants: { name: "bench_tenants", tenants: sizes.many },
    entries: { name: "bench_entries", tenants: sizes.few, history: sizes.entries },
  };
  const open: Record<string, Scene> = {};
  try {
    for (const [name, options] of Object.entries(scenes)) {
      open[name] = await openScene(server, options);
      pace.onRound(`growth: ${name} loaded`);
    }
    await server.admin`checkpoint`;
    return summary(await rounds(open, pace));
  } finally {
    for (const scene of Object.values(open)) await scene.close();
  }
}

async function rounds(scenes: Record<string, Scene>, pace: Pace): Promise<Record<string, number>[]> {
  const perRound: Record<string, number>[] = [];
  for (const scene of Object.values(scenes)) await warmUp(scene, pace);
  for (let round = 1; round <= pace.rounds; round += 1) {
    const rates: Record<string, number> = {};
    for (const [name, scene] of shuffled(Object.entries(scenes)))
      rates[name] = (await sampleOf(scene, pace.seconds)).perSecond;
    perRound.push(rates);
    pace.onRound(`growth: round ${round} of ${pace.rounds}`);
  }
  return perRound;
}

/**
 * Until nearly every page was written since the checkpoint: some 25 meters share a page, so it takes a fifth as many calls.
 * The first write of a page logs all of it, which is rare in steady use.
 */
async function warmUp(scene: Scene, pace: Pace): Promise<void> {
  let calls = 0;
  while (calls < scene.tenants / 5) calls += (await sampleOf(scene, pace.warmSeconds)).calls;
}

function sampleOf(scene: Scene, seconds: number): Promise<Sample> {
  const run = gate(scene);
  return measure(() => run(Math.floor(Math.random() * scene.tenants)), 256, seconds);
}

function summary(perRound: Record<string, number>[]): Growth {
  const share = (name: string) => middle(perRound.map((rates) => rates[name]! / rates.base!));
  const perSecond = (name: string) => Math.round(middle(perRound.map((rates) => rates[name]!)));
  return {
    tenants: share("tenants"),
    entries: share("entries"),
    perSecond: {
      base: perSecond("base"),
      tenants: perSecond("tenants"),
      entries: perSecond("entries"),
    },
  };
}
