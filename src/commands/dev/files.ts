import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { variableNames } from "@/env";
import { isAlive } from "@/server/db/embedded-binaries";
import type { Environment } from "./services";

const GENERATED = ["AUTH_SECRET", "CRON_SECRET", "STRIPE_WEBHOOK_SECRET"] as const;

/** The variables of the running `npm run dev`, for other commands; gone when it stops. */
export const RUNNING_ENVIRONMENT = ".data/running.env";

/** Reads `.env.local` and `.env`, as Next does, into `process.env`; what is set already stays. */
export function loadEnvFiles(): void {
  for (const file of [".env.local", ".env"]) if (existsSync(file)) process.loadEnvFile(file);
  // `KEY=` in a copied .env.example means "unset", also for whoever reads process.env by itself.
  for (const [name, value] of Object.entries(process.env)) if (value === "") delete process.env[name];
}

/** For every command but `dev`: the `.env` files, and then what a running `npm run dev` has started. */
export function loadRunningEnvironment(): void {
  loadEnvFiles();
  if (existsSync(RUNNING_ENVIRONMENT)) process.loadEnvFile(RUNNING_ENVIRONMENT);
}

/** Writes the app's variables for `loadRunningEnvironment`. */
export async function publishEnvironment(
  environment: Environment,
  file = RUNNING_ENVIRONMENT,
): Promise<void> {
  const lines = variableNames
    .filter((name) => environment[name])
    .map((name) => `${name}='${environment[name]}'\n`);
  await writePrivateFile(file, lines.join(""));
}

/** Makes the secrets that are unset, once, and keeps them in `file` for the next start. */
export async function fillSecrets(file: string, environment: Environment): Promise<void> {
  const saved: Record<string, string> = JSON.parse(await readFile(file, "utf8").catch(() => "{}"));
  for (const name of GENERATED) {
    saved[name] ??=
      `${name === "STRIPE_WEBHOOK_SECRET" ? "whsec_" : ""}${randomBytes(32).toString("base64url")}`;
    environment[name] ??= saved[name];
  }
  await writeJsonFile(file, saved);
}

export async function writeJsonFile(file: string, content: unknown): Promise<void> {
  await writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** Writes in one step, so that a crash never leaves half of it. */
async function writePrivateFile(file: string, content: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/**
 * Notes in `file` that this process runs the app here; the returned function takes the note away.
 * @throws Error when another process does so already: each would stop the other's database.
 */
export async function claimFolder(file: string): Promise<() => Promise<void>> {
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await writeFile(file, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const pid = Number(await readFile(file, "utf8").catch(() => ""));
    if (pid && pid !== process.pid && isAlive(pid)) {
      throw new Error(
        `npm run dev already runs in this folder, as process ${pid}. If that is not so, delete ${file}.`,
      );
    }
    await writeFile(file, String(process.pid));
  }
  return () => rm(file, { force: true });
}

/** Whether something accepts connections on this port of localhost. */
export async function answersOn(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "localhost");
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
