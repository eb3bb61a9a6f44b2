import { type Contender, drizzleTransaction, gate, keyedGate, rawStatement } from "./contenders";
import { measure, median, type Sample, shuffled } from "./measure";
import type { Scene } from "./scene";

export interface Pace {
  rounds: number;
  seconds: number;
  /** Before anything counts: plans, caches and compiled code. */
  warmSeconds: number;
  /** Called after every round. */
  onRound: (text: string) => void;
}

/** Whose rows a contender meets: any tenant's, one tenant's, or those of tenants who live on lots. */
type Where = "many" | "hot" | "refilled" | "purchased";

export interface Row {
  name: string;
  where: Where;
  inFlight: number;
  run: Contender;
}

const HOT = 7;

/** Raw statement, plain transaction and gate, over many tenants and on a hot one. */
export function paths(scene: Scene): Row[] {
  const [drizzle, ours] = [drizzleTransaction(scene), gate(scene)];
  return [
    ...rawRows(scene, ["many", "hot"]),
    ...both("drizzle transaction", 16, drizzle),
    ...[1, 16, 256].flatMap((inFlight) => both("consume", inFlight, ours)),
    { name: "consume with a key", where: "many", inFlight: 256, run: keyedGate(scene) },
  ];
}

/** Draws that go past an allowance, to lots of credits: refilled ones, and several purchased ones. */
export function lotPaths(scene: Scene): Row[] {
  const run = gate(scene, "compute");
  return (["refilled", "purchased"] as const).map((where) => ({
    name: "consume",
    where,
    inFlight: 256,
    run,
  }));
}

/** At 1, 16 and 64 in flight: the best of them is what everything is compared with. */
export function rawRows(scene: Scene, where: readonly Where[]): Row[] {
  const run = rawStatement(scene);
  return where.flatMap((one) =>
    [1, 16, 64].map((inFlight) => ({ name: "raw statement", where: one, inFlight, run })),
  );
}

/** Every row in every round, in another order each time; each row's median. */
export async function race(rows: Row[], tenants: number, pace: Pace): Promise<Map<Row, Sample>> {
  const samples = new Map<Row, Sample[]>(rows.map((row) => [row, []]));
  const call = (row: Row) => () => row.run(pick(row.where, tenants));
  for (const row of rows) await measure(call(row), row.inFlight, pace.warmSeconds);
  for (let round = 1; round <= pace.rounds; round += 1) {
    for (const row of shuffled(rows))
      samples.get(row)!.push(await measure(call(row), row.inFlight, pace.seconds));
    pace.onRound(`race: round ${round} of ${pace.rounds}`);
  }
  return new Map(rows.map((row) => [row, median(samples.get(row)!)]));
}

function both(name: string, inFlight: number, run: Contender): Row[] {
  return [
    { name, where: "many", inFlight, run },
    { name, where: "hot", inFlight, run },
  ];
}

function pick(where: Where, tenants: number): number {
  if (where === "hot") return HOT;
  const any = Math.floor(Math.random() * tenants);
  return where === "purchased" ? tenants + any : any;
}
