import type { TenantCtx } from "@/server/context";
import { history as creditHistory, type HistoryPage } from "@/server/credits/history";
import type { HistoryInput } from "@/server/credits/inputs";
import { statement } from "@/server/credits/statement";
import { benchCtx } from "./contenders";
import { type CsvResult, readCsv } from "./csv";
import { addKeys } from "./http";
import { archive, fill } from "./long-history";
import { measure } from "./measure";
import type { Pace } from "./race";
import { openScene, type Scene } from "./scene";
import type { BenchServer } from "./server";

/** Of the tenant that is looked at, in live months; as many again lie in months that are archived. */
const ROWS = 10_000;
const PLAIN = 40_000;
const LIVE_MONTHS = 6;
const TENANTS = 1_000;

export interface HistorySizes {
  /** Entries of everybody else. */
  others: number;
  /** Rows of a second tenant, whose file is read too; 0: there is none. */
  longFile: number;
}

export interface HistoryResult {
  rows: number;
  archivedMonths: number;
  /** By what is asked for. */
  pages: Record<string, { p50Ms: number; p99Ms: number }>;
  files: CsvResult[];
}

/** How long a page of a long history takes, with archived months behind it, and that a file's length needs no memory. */
export async function history(
  server: BenchServer,
  { others, longFile }: HistorySizes,
  pace: Pace,
): Promise<HistoryResult> {
  const scene = await openScene(server, { name: "bench_history", tenants: TENANTS, history: others });
  try {
    const ctx = benchCtx(scene, 0);
    const months = { liveMonths: LIVE_MONTHS, archivedMonths: LIVE_MONTHS };
    await fill(scene, ctx.tenant.id, { rows: ROWS, plain: PLAIN, ...months });
    if (longFile > 0) await fill(scene, benchCtx(scene, 1).tenant.id, { ...NO_PAST, rows: longFile });
    const archivedMonths = await archive(scene, ctx, LIVE_MONTHS);
    await scene.owner`vacuum analyze`;
    pace.onRound(`history: ${ROWS} rows loaded, ${archivedMonths} months archived`);
    const latencies = await pages(ctx, pace);
    return { rows: ROWS, archivedMonths, pages: latencies, files: await files(scene, longFile) };
  } finally {
    await scene.close();
  }
}

const NO_PAST = { plain: 0, liveMonths: LIVE_MONTHS, archivedMonths: 0 };

async function pages(ctx: TenantCtx, pace: Pace): Promise<HistoryResult["pages"]> {
  const cursors = await walk(ctx);
  const longAgo = new Date(ctx.now().getTime() - 60 * 86_400_000).toISOString().slice(0, 10);
  const page = (input: HistoryInput) => () => creditHistory(ctx, input);
  const any = (index: number) => creditHistory(ctx, { cursor: cursors[index % cursors.length] });
  const asked: [string, (index: number) => Promise<unknown>, number][] = [
    ["first", page({}), 1],
    ["last", page({ cursor: cursors.at(-1) }), 1],
    ["filtered, one row", page({ group: "granted" }), 1],
    ["up to a day long ago", page({ to: longAgo }), 1],
    ["any", any, 1],
    ["any, 8 at once", any, 8],
    ["of 1,000 rows", page({ limit: 1_000 }), 1],
    ["statement", () => statement(ctx), 1],
  ];
  const found: HistoryResult["pages"] = {};
  for (const [name, call, inFlight] of asked) {
    await measure(call, inFlight, pace.warmSeconds / 2);
    const { p50Ms, p99Ms } = await measure(call, inFlight, pace.seconds);
    found[name] = { p50Ms: tenths(p50Ms), p99Ms: tenths(p99Ms) };
  }
  return found;
}

const tenths = (figure: number) => Math.round(figure * 10) / 10;

/** Every cursor of the history, having seen that it adds up from the first row to the last. */
async function walk(ctx: TenantCtx): Promise<(string | undefined)[]> {
  const cursors: (string | undefined)[] = [];
  let page: HistoryPage | null = null;
  let rows = 0;
  do {
    const cursor: string | undefined = page?.nextCursor ?? undefined;
    cursors.push(cursor);
    page = await creditHistory(ctx, { cursor });
    rows += page.rows.length;
  } while (page.nextCursor !== null);
  const last = page.rows.at(-1)!;
  const opening = last.balanceAfter - last.movement;
  if (rows !== ROWS || opening !== page.broughtForward?.balance)
    throw new Error(`The history has ${rows} rows and begins with ${opening}.`);
  return cursors;
}

/** Once for nothing, so that no file pays for what the first one compiles and opens. */
async function files(scene: Scene, longFile: number): Promise<CsvResult[]> {
  const [key, otherKey] = await addKeys(scene, 2);
  await readCsv(scene, 0, key!);
  const short = await readCsv(scene, 0, key!);
  return longFile > 0 ? [short, await readCsv(scene, 1, otherKey!)] : [short];
}
