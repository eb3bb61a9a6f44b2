import { rm } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { isProduction } from "@/env";
import { removeEmbeddedPostgres } from "@/server/db/embedded";
import { clock } from "./dev/clock";
import { command } from "./dev/command";
import { localCron } from "./dev/cron";
import { database, migrations } from "./dev/database";
import { claimFolder, fillSecrets, loadEnvFiles, publishEnvironment, RUNNING_ENVIRONMENT } from "./dev/files";
import { mail } from "./dev/mail";
import { choosePorts } from "./dev/ports";
import { type Environment, type Service, ServiceGroup } from "./dev/services";
import { stripe } from "./dev/stripe";
import { webServer } from "./dev/web";

const DEFAULT_FOLDER = ".data";

function filesIn(folder: string) {
  const file = (name: string) => path.join(folder, name);
  return {
    postgres: file("postgres"),
    stripe: file("stripe.json"),
    stripeSchema: file("stripe-schema"),
    mail: file("mail.json"),
    ports: file("ports.json"),
    secrets: file("secrets.json"),
    clock: file("clock.json"),
    claim: file("dev.pid"),
  };
}
type Files = ReturnType<typeof filesIn>;

const PARENT_CHECK_MS = 1_000;
/** A runner in between may pass one key press on a second time; that is not a second Ctrl-C. */
const SAME_KEY_PRESS_MS = 500;

const print = (line: string) => console.log(line);

/**
 * `npm run dev [-- --reset] [-- --port N] [-- --data FOLDER]`: everything the app needs, started in order, stopped
 * in reverse. Another data folder is another world, with a database, mails and payments of its own.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { reset: { type: "boolean" }, port: { type: "string" }, data: { type: "string" } },
  });
  const folder = values.data ?? DEFAULT_FOLDER;
  const files = filesIn(folder);
  loadEnvFiles();
  if (isProduction()) throw new Error("npm run dev is for development. Use npm run build and npm start.");
  const release = await claimFolder(files.claim);
  const group = new ServiceGroup(print);
  const signal = stopRequest(group);
  try {
    if (values.reset) await reset(files);
    await runUntil(signal, group, { files, port: values.port, isDefault: folder === DEFAULT_FOLDER });
  } finally {
    await group.stop();
    if (folder === DEFAULT_FOLDER) await rm(RUNNING_ENVIRONMENT, { force: true });
    await release();
  }
}

async function runUntil(
  stop: AbortController,
  group: ServiceGroup,
  options: { files: Files; port: string | undefined; isDefault: boolean },
): Promise<void> {
  const { files } = options;
  const environment: Environment = process.env;
  const wantedPort = Number(options.port ?? localPort(environment.APP_URL));
  const ports = await choosePorts(files.ports, wantedPort ? { web: wantedPort } : {}, print);
  await fillSecrets(files.secrets, environment);
  if (!environment.APP_URL || localPort(environment.APP_URL))
    environment.APP_URL = `http://localhost:${ports.web}`;
  const services: Service[] = [
    clock(files.clock),
    database(files.postgres),
    migrations,
    mail(ports, files.mail),
    stripe({
      port: ports.stripe,
      webPort: ports.web,
      stateFile: files.stripe,
      schemaDir: files.stripeSchema,
    }),
    command("Price list", "src/commands/plans.ts", ["push"]),
    // A database of the builder's own gets the tables, but nobody else's demo tenants.
    ...(environment.DATABASE_URL ? [] : [command("Demo data", "src/commands/seed.ts")]),
    webServer(ports.web, () => {
      print("\n  The app ended by itself.");
      process.exitCode = 1;
      stop.abort();
    }),
    localCron(ports.web, print),
  ];
  await group.start(services, environment, stop.signal);
  if (stop.signal.aborted) return;
  if (options.isDefault) await publishEnvironment(environment);
  print(`\n  Open ${environment.APP_URL}   (Ctrl-C stops everything)\n`);
  await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
}

/** Aborts on Ctrl-C, on a closed terminal, when the parent dies and on an error nobody caught. */
function stopRequest(group: ServiceGroup): AbortController {
  const stop = new AbortController();
  let firstAtMs: number | undefined;
  const onSignal = () => {
    if (firstAtMs === undefined) {
      firstAtMs = performance.now();
      print("\n  Stopping. Ctrl-C again forces it.");
      stop.abort();
    } else if (performance.now() - firstAtMs > SAME_KEY_PRESS_MS) {
      group.kill();
      process.exit(1);
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  process.on("uncaughtException", (error) => {
    console.error(error);
    process.exitCode = 1;
    stop.abort();
  });
  process.stdout.on("error", () => stop.abort());
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && stop.abort(), PARENT_CHECK_MS).unref();
  return stop;
}

/** Deletes the local database, mails and simulated payments, and goes back to the present. Ports and secrets stay. */
async function reset(files: Files): Promise<void> {
  await removeEmbeddedPostgres(files.postgres);
  for (const file of [files.stripe, files.mail, files.clock]) await rm(file, { force: true });
  print("  Started over: the local database, mails and simulated payments are deleted.");
}

function localPort(appUrl: string | undefined): number | undefined {
  if (!appUrl || !URL.canParse(appUrl)) return undefined;
  const { hostname, port } = new URL(appUrl);
  return ["localhost", "127.0.0.1"].includes(hostname) ? Number(port || 80) : undefined;
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(`\n${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
