import { createCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { consume } from "@/server/quota/consume";
import { benchCtx, type Contender, drizzleTransaction, gate, rawStatement } from "./contenders";
import { measure, median, type Sample, shuffled } from "./measure";
import { openScene, type Scene } from "./scene";

/** `npm run bench [-- --short] [-- --json]`: ratios within one run, with fsync on; see docs/decisions/0010-hot-path.md. */
const short = process.argv.includes("--short");
const asJson = process.argv.includes("--json");
const TENANTS = short ? 10_000 : 100_000;
const ROUNDS = short ? 1 : 5;
const SECONDS = short ? 1 : 3;
const HOT = 7;

interface Row {
  name: string;
  where: "many" | "hot";
  inFlight: number;
  run: Contender;
}

async function main(): Promise<void> {
  const scene = await openScene(TENANTS);
  try {
    const rows = contestants(scene);
    const results = await race(rows);
    const overGrant = await checkExactness(scene);
    report(results, overGrant);
  } finally {
    await scene.stop();
  }
}

function contestants(scene: Scene): Row[] {
  const [raw, drizzle, ours] = [rawStatement(scene), drizzleTransaction(scene), gate(scene)];
  const both = (name: string, inFlight: number, run: Contender): Row[] => [
    { name, where: "many", inFlight, run },
    { name, where: "hot", inFlight, run },
  ];
  return [
    ...[1, 16, 64].flatMap((n) => both("raw statement", n, raw)),
    ...both("drizzle transaction", 16, drizzle),
    ...[1, 16, 256].flatMap((n) => both("consume", n, ours)),
  ];
}

async function race(rows: Row[]): Promise<Map<Row, Sample>> {
  const samples = new Map<Row, Sample[]>(rows.map((row) => [row, []]));
  for (const row of rows) await measure(pick(row), row.inFlight, 0.3);
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const row of shuffled(rows)) samples.get(row)!.push(await measure(pick(row), row.inFlight, SECONDS));
    if (!asJson) console.log(`round ${round} of ${ROUNDS}`);
  }
  return new Map(rows.map((row) => [row, median(samples.get(row)!)]));
}

function pick(row: Row): (index: number) => Promise<unknown> {
  return row.where === "hot" ? () => row.run(HOT) : () => row.run(Math.floor(Math.random() * TENANTS));
}

/** 4 × as many calls as units on one tenant, all at once: how many more than the units were let through, and do the books balance. */
async function checkExactness(scene: Scene): Promise<number> {
  const ctx = benchCtx(scene, 1);
  const units = short ? 1_000 : 5_000;
  const [before] =
    await scene.owner`select used from meters where tenant_id = ${ctx.tenant.id} and feature = 'messages'`;
  await scene.owner`update meters set granted = used + ${units} where tenant_id = ${ctx.tenant.id} and feature = 'messages'`;
  const receipts = await Promise.all(
    Array.from({ length: units * 4 }, () => consume(ctx, { feature: "messages" })),
  );
  const [after] =
    await scene.owner`select used from meters where tenant_id = ${ctx.tenant.id} and feature = 'messages'`;
  const allowed = receipts.filter((receipt) => receipt.allowed).length;
  const booked = Number(after!.used) - Number(before!.used);
  // The bench's tenants were not granted by entries, so only that line of the books is left aside here.
  const breaches = (await verifyBooks(createCtx(ctx, ctx.actor))).filter(
    (b) => b.invariant !== "meter: its window was granted by an entry",
  );
  if (allowed !== units || booked !== units || breaches.length > 0) {
    console.error({ units, allowed, booked, breaches: breaches.slice(0, 5) });
    process.exitCode = 1;
  }
  return Math.max(allowed, booked) - units;
}

function report(results: Map<Row, Sample>, overGrant: number): void {
  const of = (name: string, where: Row["where"], inFlight?: number) =>
    [...results]
      .filter(
        ([row]) =>
          row.name === name && row.where === where && (inFlight === undefined || row.inFlight === inFlight),
      )
      .map(([, s]) => s);
  const best = (samples: Sample[]) => samples.reduce((a, b) => (a.perSecond >= b.perSecond ? a : b));
  const figures = (where: Row["where"]) => {
    const ours = of("consume", where, 256)[0]!;
    const raw = best(of("raw statement", where));
    const few = of("consume", where, 16)[0]!;
    return {
      overRaw: round(ours.perSecond / raw.perSecond),
      overDrizzle: round(ours.perSecond / best(of("drizzle transaction", where)).perSecond),
      overRawAt16: round(few.perSecond / raw.perSecond),
      aloneOverRawP50: round(of("consume", where, 1)[0]!.p50Ms / of("raw statement", where, 1)[0]!.p50Ms),
      perSecond: Math.round(ours.perSecond),
      p50Ms: round(ours.p50Ms),
      p99Ms: round(ours.p99Ms),
    };
  };
  if (!asJson) table(results);
  const summary = { many: figures("many"), hot: figures("hot"), overGrant };
  console.log(asJson ? JSON.stringify(summary) : summary);
}

function table(results: Map<Row, Sample>): void {
  console.log(`\n${"".padEnd(22)}${"tenants".padEnd(10)}in flight   calls/s    p50 ms    p99 ms`);
  for (const [row, s] of results) {
    const cells = [Math.round(s.perSecond).toLocaleString("en-US"), s.p50Ms.toFixed(2), s.p99Ms.toFixed(2)];
    console.log(
      row.name.padEnd(22) +
        row.where.padEnd(10) +
        String(row.inFlight).padStart(9) +
        cells.map((cell) => cell.padStart(10)).join(""),
    );
  }
}

const round = (value: number) => Math.round(value * 100) / 100;

await main();
