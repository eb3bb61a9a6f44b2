import type { Growth } from "./growth";
import type { HistoryResult } from "./history";
import type { HttpResult } from "./http";
import type { Sample } from "./measure";
import type { Row } from "./race";
import type { WebhooksResult } from "./webhooks";

export type Results = Map<Row, Sample>;

export interface Found {
  results?: Results;
  growth?: Growth;
  http?: HttpResult;
  history?: HistoryResult;
  webhooks?: WebhooksResult;
  overGrant?: number;
}

/** The figures as ratios within this run; a part that was not asked for is left out. */
export function summary({ results = new Map(), growth, http, history, webhooks, overGrant }: Found) {
  const has = (where: Row["where"]) => [...results.keys()].some((row) => row.where === where);
  return {
    ...(has("hot") && { many: pathFigures(results, "many"), hot: pathFigures(results, "hot") }),
    ...(has("refilled") && {
      lots: { refilled: lotFigures(results, "refilled"), purchased: lotFigures(results, "purchased") },
    }),
    ...(http && { http: rounded(http) }),
    ...(history && { history }),
    ...(webhooks && { webhooks }),
    ...(growth && { growth: rounded(growth) }),
    ...(overGrant !== undefined && { overGrant }),
  };
}

function pathFigures(results: Results, where: "many" | "hot") {
  const ours = sampleOf(results, "consume", where, 256)!;
  const raw = bestOf(results, "raw statement", where);
  const alone =
    sampleOf(results, "consume", where, 1)!.p50Ms / sampleOf(results, "raw statement", where, 1)!.p50Ms;
  const keyed = sampleOf(results, "consume with a key", where, 256);
  return rounded({
    overRaw: ours.perSecond / raw.perSecond,
    overDrizzle: ours.perSecond / bestOf(results, "drizzle transaction", where).perSecond,
    overRawAt16: sampleOf(results, "consume", where, 16)!.perSecond / raw.perSecond,
    aloneOverRawP50: alone,
    ...(keyed && { keyedOverRaw: keyed.perSecond / raw.perSecond }),
    ...latencies(ours),
  });
}

function lotFigures(results: Results, where: "refilled" | "purchased") {
  const ours = sampleOf(results, "consume", where, 256)!;
  return rounded({
    overRaw: ours.perSecond / bestOf(results, "raw statement", "many").perSecond,
    ...latencies(ours),
  });
}

const latencies = ({ perSecond, p50Ms, p99Ms }: Sample) => ({
  perSecond: Math.round(perSecond),
  p50Ms,
  p99Ms,
});

function sampleOf(results: Results, name: string, where: Row["where"], inFlight: number): Sample | undefined {
  const row = [...results.keys()].find(
    (one) => one.name === name && one.where === where && one.inFlight === inFlight,
  );
  return row && results.get(row);
}

function bestOf(results: Results, name: string, where: Row["where"]): Sample {
  const samples = [...results].filter(([row]) => row.name === name && row.where === where).map(([, s]) => s);
  return samples.reduce((a, b) => (a.perSecond >= b.perSecond ? a : b));
}

export function table(results: Results): void {
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

function rounded<T extends object>(figures: T): T {
  const entries = Object.entries(figures).map(([name, value]) => [
    name,
    typeof value === "number" ? Math.round(value * 100) / 100 : value,
  ]);
  return Object.fromEntries(entries);
}
