import { parseArgs } from "node:util";
import { checkExactness } from "./exactness";
import { growth } from "./growth";
import { history } from "./history";
import { http } from "./http";
import { lotPaths, type Pace, paths, race, rawRows } from "./race";
import { type Found, summary, table } from "./report";
import { openScene } from "./scene";
import { type BenchServer, startServer } from "./server";
import { webhooks } from "./webhooks";

const PARTS = ["paths", "lots", "growth", "history", "http", "webhooks"] as const;
type Part = (typeof PARTS)[number];

const { values: options } = parseArgs({
  options: {
    /** Under half a minute: a check that the bench works and that nothing is off by far, without HTTP. */
    short: { type: "boolean", default: false },
    /** Nothing but one line of JSON, the last one. */
    json: { type: "boolean", default: false },
    /** A comma-separated selection of parts. */
    only: { type: "string" },
  },
});

const sizes = options.short
  ? {
      walFiles: 16,
      tenants: 10_000,
      units: 1_000,
      few: 2_000,
      many: 10_000,
      entries: 20_000,
      others: 20_000,
      longFile: 0,
    }
  : {
      walFiles: 256,
      tenants: 100_000,
      units: 5_000,
      few: 100_000,
      many: 1_000_000,
      entries: 5_000_000,
      others: 500_000,
      longFile: 100_000,
    };
const pace: Pace = {
  ...(options.short
    ? { rounds: 1, seconds: 0.4, warmSeconds: 0.1 }
    : { rounds: 5, seconds: 3, warmSeconds: 1 }),
  onRound: (text) => {
    if (!options.json) console.log(text);
  },
};

/**
 * `npm run bench [-- --short] [-- --json] [-- --only=paths,lots,growth,history,http,webhooks]`: ratios within one run, with fsync on; see
 * docs/decisions/0010-hot-path.md. What each figure is compared with stands beside it in the code.
 */
async function main(): Promise<void> {
  const parts = partsAskedFor();
  const server = await startServer(sizes.walFiles);
  try {
    const found: Found = {};
    if (parts.has("paths") || parts.has("lots")) Object.assign(found, await onePlace(server, parts));
    if (parts.has("growth")) found.growth = await growth(server, sizes, pace);
    if (parts.has("history")) found.history = await history(server, sizes, pace);
    if (parts.has("http")) found.http = await http(server, pace);
    if (parts.has("webhooks")) found.webhooks = await webhooks(server, options.short ? 500 : 5_000, pace);
    if (found.results && !options.json) table(found.results);
    if (options.json) console.log(JSON.stringify(summary(found)));
    else console.dir(summary(found), { depth: null });
  } finally {
    await server.stop();
  }
}

/** Everything that is compared with the raw statement, in one database and one race. */
async function onePlace(server: BenchServer, parts: Set<Part>): Promise<Found> {
  const lots = parts.has("lots");
  const scene = await openScene(server, { name: "bench", tenants: sizes.tenants, lots });
  try {
    const rows = [
      ...(parts.has("paths") ? paths(scene) : rawRows(scene, ["many"])),
      ...(lots ? lotPaths(scene) : []),
    ];
    const results = await race(rows, sizes.tenants, pace);
    return { results, overGrant: await checkExactness(scene, sizes.units) };
  } finally {
    await scene.close();
  }
}

function partsAskedFor(): Set<Part> {
  const all = options.short ? PARTS.filter((part) => part !== "http") : PARTS;
  const asked = options.only ? options.only.split(",") : all;
  const unknown = asked.filter((name) => !PARTS.includes(name as Part));
  if (unknown.length > 0)
    throw new Error(`There is no part ${unknown.join(", ")}. Parts: ${PARTS.join(", ")}.`);
  return new Set(asked as Part[]);
}

await main();
