import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { listWithMore } from "./prices";

export interface RunningApp {
  url: string;
  mailboxUrl: string;
  stripeUrl: string;
  /** Everything it printed so far. */
  output(): string;
  stop(): Promise<number | null>;
}

const START_TIMEOUT_MS = 120_000;

/** What a newcomer gets from `npm run dev`, in a data folder of its own, on free ports. */
export async function startApp(): Promise<RunningApp> {
  const folder = await mkdtemp(path.join(process.cwd(), ".data-e2e-"));
  const list = path.join(folder, "prices.json");
  await writeFile(list, JSON.stringify(listWithMore));
  const args = [
    "--import",
    "tsx",
    "src/commands/dev.ts",
    "--data",
    folder,
    "--port",
    String(20_000 + Math.floor(Math.random() * 20_000)),
  ];
  const child = spawn(process.execPath, args, {
    env: {
      ...process.env,
      ...NOTHING_REAL,
      OPERATOR_EMAILS: OPERATOR,
      CRON_SECRET,
      TOLLGATE_PRICES: list,
      NEXT_DIST_DIR: ".next-e2e",
      NODE_ENV: "development",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const stop = async () => {
    const code = await stopProcess(child);
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  const opened = await until(
    () => /Open (http:\S+)/.exec(output),
    child,
    () => output,
  );
  const address = (name: string) => new RegExp(`${name}\\s+(http:\\S+)`).exec(output)?.[1] ?? "";
  return {
    url: opened[1]!,
    mailboxUrl: address("Mail"),
    stripeUrl: address("Stripe"),
    output: () => output,
    stop,
  };
}

/** Whoever knows it may have cron's jobs run at once, and need not wait for the minute. */
export const CRON_SECRET = "the journeys' own secret for cron";

/** Who runs the product in this world. */
export const OPERATOR = "olga@example.com";

/** A developer's own variables must not turn the tests towards real services. */
const NOTHING_REAL = Object.fromEntries(
  [
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "STRIPE_SECRET_KEY",
    "STRIPE_API_URL",
    "SMTP_URL",
    "MAILBOX_URL",
    "APP_URL",
    "AUTH_URL",
  ].map((name) => [name, ""]),
);

async function until<T>(look: () => T | null, child: ChildProcess, output: () => string): Promise<T> {
  const endsAt = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const found = look();
    if (found) return found;
    if (child.exitCode !== null || performance.now() > endsAt)
      throw new Error(`npm run dev did not start:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function stopProcess(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  return exited;
}
