import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

interface Esbuild {
  build(options: object): Promise<unknown>;
}

/**
 * worker.ts as one file, by the compiler that tsx brings along: the kill proofs start it hundreds of times, and this
 * makes it start in a quarter of the time.
 */
export async function compileWorker(): Promise<{ file: string; remove(): Promise<void> }> {
  const { build } = createRequire(createRequire(import.meta.url).resolve("tsx"))("esbuild") as Esbuild;
  const folder = await mkdtemp(path.join(os.tmpdir(), "tollgate-proof-"));
  const file = path.join(folder, "worker.mjs");
  await build({
    entryPoints: [path.join(import.meta.dirname, "worker.ts")],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: { "@": path.resolve("src") },
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    logLevel: "error",
  });
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface Child {
  process: ChildProcess;
  /** What it has said so far, line by line. */
  said: Record<string, unknown>[];
  /** How it ended: the signal that killed it, or its exit code. */
  ended: Promise<string | number | null>;
}

export function startWorker(file: string, env: Record<string, string>): Child {
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: Child["said"] = [];
  let rest = "";
  child.stdout.on("data", (bytes: Buffer) => {
    const lines = (rest + bytes.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) said.push(JSON.parse(line));
  });
  const ended = new Promise<string | number | null>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? code)),
  );
  return { process: child, said, ended };
}
