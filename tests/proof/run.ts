import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

/**
 * `npm run proof [-- --long] [--part model,kill-app] [--seed N [--path P]]`: the proofs alone, with a seed that is
 * printed. The long run's parts can run side by side in terminals of their own.
 */
const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    part: { type: "string" },
    seed: { type: "string" },
    path: { type: "string" },
  },
});
const folder = path.relative(process.cwd(), import.meta.dirname);
const known = readdirSync(folder).flatMap((file) => /^(.+)\.test\.ts$/.exec(file)?.[1] ?? []);
const parts = values.part?.split(",") ?? (values.path ? ["model"] : known);
const unknown = parts.filter((part) => !known.includes(part));
if (unknown.length > 0)
  throw new Error(`No such part: ${unknown.join(", ")}. There are ${known.join(", ")}.`);

const seed = values.seed ?? String(Date.now() % 2_147_483_647);
console.log(
  `Again with: npm run proof -- ${values.long ? "--long " : ""}--part ${parts.join(",")} --seed ${seed}`,
);
const { status } = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "server",
    "--reporter",
    "verbose",
    ...parts.map((part) => `${folder}/${part}.test.ts`),
  ],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      PROOF_SEED: seed,
      ...(values.long && { PROOF_LONG: "1" }),
      ...(values.path !== undefined && { PROOF_PATH: values.path }),
    },
  },
);
process.exit(status ?? 1);
