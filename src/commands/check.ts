import { spawn } from "node:child_process";
import path from "node:path";

/** One thing to be sure of: programs of node_modules/.bin that run one after the other. */
interface Check {
  name: string;
  runs: (readonly [program: string, ...args: string[]])[];
}

const CHECKS: Check[] = [
  { name: "format and lint", runs: [["biome", "check", "--error-on-warnings", "."]] },
  { name: "forgotten awaits", runs: [["oxlint", "--type-aware", "--deny-warnings", "."]] },
  {
    name: "types",
    runs: [
      ["next", "typegen"],
      ["tsc", "--noEmit"],
    ],
  },
  { name: "unused code", runs: [["knip", "--no-progress", "--treat-config-hints-as-errors"]] },
  { name: "house rules", runs: [["vitest", "run", "--project", "architecture", "--reporter", "dot"]] },
];

interface Outcome {
  ok: boolean;
  output: string;
}

/** `npm run check`: everything that can be told without running the product. Shows the output of what failed only. */
async function main(): Promise<boolean> {
  const failed = await Promise.all(CHECKS.map(report));
  const outputs = failed.filter((output) => output !== null);
  for (const output of outputs) console.error(`\n${output.trimEnd()}`);
  return outputs.length === 0;
}

/** Prints one line. Returns the output when the check failed, else null. */
async function report({ name, runs }: Check): Promise<string | null> {
  const startedMs = performance.now();
  const { ok, output } = await runInOrder(runs);
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(`${ok ? "ok    " : "failed"}  ${name.padEnd(18)}${String(tookMs).padStart(6)} ms`);
  return ok ? null : `── ${name}\n${output}`;
}

async function runInOrder(runs: Check["runs"]): Promise<Outcome> {
  for (const run of runs) {
    const outcome = await execute(run);
    if (!outcome.ok) return outcome;
  }
  return { ok: true, output: "" };
}

function execute([program, ...args]: Check["runs"][number]): Promise<Outcome> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(path.join("node_modules", ".bin", program), args, {
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" },
    });
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ ok: false, output: error.message }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

main().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
