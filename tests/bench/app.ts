import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";

const NEXT = path.resolve("node_modules/next/dist/bin/next");
const COPIED = ["src", "public", "package.json", "tsconfig.json", "next.config.mjs", "postcss.config.mjs"];
const START_TIMEOUT_MS = 60_000;

/** The door, the key check and the ladder of `quota.consume`, and then nothing. */
const EMPTY_ROUTER = `import type { TRPCRouterRecord } from "@trpc/server";
import { tenantProcedure } from "./trpc";

export const emptyRouter = {
  call: tenantProcedure.meta({ apiKey: true }).mutation(() => null),
} satisfies TRPCRouterRecord;
`;

export interface BenchApp {
  url: string;
  stop(): Promise<void>;
}

/**
 * The app as `next build` makes it and `next start` serves it, from a copy in `folder` that has one procedure more:
 * `empty.call`. The product itself never has it.
 */
export async function startApp(folder: string, databaseUrl: string): Promise<BenchApp> {
  const copy = path.join(folder, "app");
  for (const name of COPIED) await cp(name, path.join(copy, name), { recursive: true });
  await symlink(path.resolve("node_modules"), path.join(copy, "node_modules"), "junction");
  await writeFile(path.join(copy, "src/server/empty.ts"), EMPTY_ROUTER);
  await edit(path.join(copy, "src/server/root.ts"), (text) =>
    text
      .replace("import { quotaRouter }", 'import { emptyRouter } from "./empty";\nimport { quotaRouter }')
      .replace("  quota: quotaRouter,", "  empty: emptyRouter,\n  quota: quotaRouter,"),
  );
  // Types are `npm run check`'s business; here they only cost time.
  await edit(path.join(copy, "next.config.mjs"), (text) =>
    text.replace("typedRoutes: true", "typedRoutes: true,\n  typescript: { ignoreBuildErrors: true }"),
  );
  await finished(spawn(process.execPath, [NEXT, "build"], options(copy, {})), "next build");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [NEXT, "start", "--port", String(port), "--hostname", "127.0.0.1"];
  const child = spawn(process.execPath, args, options(copy, settings(url, databaseUrl)));
  const output = outputOf(child);
  const stop = async () => {
    if (child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await exited;
  };
  await untilLive(`${url}/api/live`, child, output).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, stop };
}

function settings(url: string, databaseUrl: string): Record<string, string> {
  return {
    APP_URL: url,
    DATABASE_URL: databaseUrl,
    STRIPE_SECRET_KEY: "sk_test_bench",
    STRIPE_WEBHOOK_SECRET: "whsec_bench",
    SMTP_URL: "smtp://127.0.0.1:1",
    MAIL_FROM: "bench@example.com",
    AUTH_SECRET: randomBytes(33).toString("base64"),
  };
}

/** Only what a program needs to run: a developer's own settings would turn the app towards real services. */
function options(cwd: string, extra: Record<string, string>) {
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1", ...extra } as const;
  return { cwd, env, stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] };
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(file, "utf8");
  const changed = change(text);
  if (changed === text) throw new Error(`${file} is not as the bench expects it.`);
  await writeFile(file, changed);
}

async function finished(child: ChildProcess, name: string): Promise<void> {
  const output = outputOf(child);
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`${name} failed:\n${output()}`);
}

function outputOf(child: ChildProcess): () => string {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      output = (output + String(chunk)).slice(-4_000);
    });
  return () => output;
}

async function untilLive(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const endsAtMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    if (child.exitCode !== null || performance.now() > endsAtMs)
      throw new Error(`next start did not answer:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
