import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { isProduction } from "@/env";
import { removeEmbeddedPostgres } from "@/server/db/embedded";
import { command } from "./dev/command";
import { localCron } from "./dev/cron";
import { database, migrations } from "./dev/database";
import { claimFolder, fillSecrets, loadEnvFiles, publishEnvironment, RUNNING_ENVIRONMENT } from "./dev/files";
import { mail } from "./dev/mail";
import { choosePorts } from "./dev/ports";
import { type Environment, type Service, ServiceGroup } from "./dev/services";
import { stripe } from "./dev/stripe";
import { webServer } from "./dev/web";

const FILES = {
  postgres: ".data/postgres",
  stripe: ".data/stripe.json",
  stripeSchema: ".data/stripe-schema",
  mail: ".data/mail.json",
  ports: ".data/ports.json",
  secrets: ".data/secrets.json",
  claim: ".data/dev.pid",
};
const PARENT_CHECK_MS = 1_000;
/** A runner in between may pass one key press on a second time; that is not a second Ctrl-C. */
const SAME_KEY_PRESS_MS = 500;

const print = (line: string) => console.log(line);

/** `npm run dev [-- --reset] [-- --port N]`: everything the app needs, started in order, stopped in reverse. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { reset: { type: "boolean" }, port: { type: "string" } } });
  loadEnvFiles();
  if (isProduction()) throw new Error("npm run dev is for development. Use npm run build and npm start.");
  const release = await claimFolder(FILES.claim);
  const group = new ServiceGroup(print);
  const signal = stopRequest(group);
  try {
    if (values.reset) await reset();
    await runUntil(signal, group, values.port);
  } finally {
    await group.stop();
    await rm(RUNNING_ENVIRONMENT, { force: true });
    await release();
  }
}

async function runUntil(
  stop: AbortController,
  group: ServiceGroup,
  askedPort: string | undefined,
): Promise<void> {
  const environment: Environment = process.env;
  const wantedPort = Number(askedPort ?? localPort(environment.APP_URL));
  const ports = await choosePorts(FILES.ports, wantedPort ? { web: wantedPort } : {}, print);
  await fillSecrets(FILES.secrets, environment);
  if (!environment.APP_URL || localPort(environment.APP_URL))
    environment.APP_URL = `http://localhost:${ports.web}`;
  const services: Service[] = [
    database(FILES.postgres),
    migrations,
    mail(ports, FILES.mail),
    stripe({
      port: ports.stripe,
      webPort: ports.web,
      stateFile: FILES.stripe,
      schemaDir: FILES.stripeSchema,
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
  await publishEnvironment(environment);
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

/** Deletes the local database, mails and simulated payments. Ports and secrets stay. */
async function reset(): Promise<void> {
  await removeEmbeddedPostgres(FILES.postgres);
  for (const file of [FILES.stripe, FILES.mail]) await rm(file, { force: true });
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
