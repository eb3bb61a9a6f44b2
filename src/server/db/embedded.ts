import { createHash, randomBytes } from "node:crypto";
import { chown, link, mkdir, readFile, realpath, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import postgres from "postgres";
import { isProduction } from "@/env";
import { createOnce, exists, findPostgresBinaries, type PostgresBinaries } from "./embedded-binaries";
import { type Cluster, ensureRunning, readRunning, run, stopServer } from "./embedded-server";

const OWNER = "postgres";
/** As root the data lives elsewhere, where an ordinary user may reach it; this file in the folder says where. */
const POINTER = "location.txt";

/** A running PostgreSQL that belongs to one folder. */
export interface EmbeddedPostgres {
  /** Superuser connection to the database `postgres`, over 127.0.0.1 with a password. */
  ownerUrl: string;
  port: number;
  /** True when the server was already running. Its port and durability are then those of its first start. */
  reused: boolean;
  /** Stops the server, whoever started it; resolves when no process is left. */
  stop(): Promise<void>;
  /** The postmaster's process id; undefined when it is not running. */
  pid(): number | undefined;
}

/**
 * Starts PostgreSQL for development and tests in `dir`, or finds it running there. Calls at the same time, also
 * from several processes, end up at one server.
 * @param options.durable fsync, synchronous_commit and full_page_writes on; otherwise off, for speed.
 * @param options.port the port on 127.0.0.1; when left out the one of its last start, or any free one.
 * @throws Error in production, on a platform without binaries, and when the server does not come up.
 */
export async function startEmbeddedPostgres(options: {
  dir: string;
  durable?: boolean;
  port?: number;
}): Promise<EmbeddedPostgres> {
  if (isProduction()) {
    throw new Error("The embedded PostgreSQL is for development and tests. In production set DATABASE_URL.");
  }
  const cluster = await locateCluster(options.dir);
  await createOnce(cluster.data, (temporary) => initialise(cluster, temporary));
  const password = await readFile(path.join(cluster.data, "owner-password"), "utf8");
  const { port, reused } = await ensureRunning(cluster, options);
  const ownerUrl = `postgres://${OWNER}:${password}@127.0.0.1:${port}/postgres`;
  if (reused && options.durable) await demandDurability(ownerUrl);
  return { ownerUrl, port, reused, stop: () => stopServer(cluster), pid: () => readRunning(cluster)?.pid };
}

/** Stops the server of `dir` and deletes its data. Anything else inside `dir` stays. */
export async function removeEmbeddedPostgres(dir: string): Promise<void> {
  if (!(await exists(dir))) return;
  const cluster = await locateCluster(dir);
  await stopServer(cluster);
  for (const file of [cluster.data, cluster.log, path.join(dir, POINTER)]) {
    await rm(file, { recursive: true, force: true });
  }
  for (const folder of [cluster.home, dir]) await rmdir(folder).catch(() => undefined);
}

/**
 * Creates the database unless it exists, and returns its URL for the same user.
 * @throws Error when `name` is not lower-case letters, digits and underscores.
 */
export async function ensureDatabase(ownerUrl: string, name: string): Promise<string> {
  // Drivers disagree about decoding the path of a URL, so no name may need encoding.
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new Error(`Not a plain database name: ${name}`);
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => undefined });
  try {
    const found = await sql`select 1 from pg_database where datname = ${name}`;
    if (found.length === 0) await sql`create database ${sql(name)}`;
  } catch (error) {
    // Another process may create it between the look and the act: 42P04 and 23505 both mean "it is there".
    if (!["42P04", "23505"].includes((error as { code?: string }).code ?? "")) throw error;
  } finally {
    await sql.end();
  }
  const url = new URL(ownerUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function locateCluster(requestedDir: string): Promise<Cluster> {
  const binaries = await findPostgresBinaries();
  await mkdir(requestedDir, { recursive: true });
  const dir = await realpath(requestedDir);
  let home = dir;
  if (binaries.base) {
    home = await homeOf(dir, binaries.base);
    await mkdir(home, { recursive: true, mode: 0o700 });
    await giveToServer(binaries, home);
  }
  return { binaries, home, data: path.join(home, "data"), log: path.join(home, "server.log") };
}

/**
 * Where the cluster of `dir` lives is written down in `dir` itself, so that a folder that was deleted and made anew,
 * or copied with its notes, never meets another's data. The link settles who writes first.
 */
async function homeOf(dir: string, base: string): Promise<string> {
  const pointer = path.join(dir, POINTER);
  const own = `${createHash("sha256").update(dir).digest("hex").slice(0, 16)}-`;
  const draft = `${pointer}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, `${path.join(base, own + randomBytes(6).toString("hex"))}\n`);
  try {
    const noted = await readFile(pointer, "utf8").catch(() => null);
    if (noted !== null && !path.basename(noted.trim()).startsWith(own)) await rename(draft, pointer);
    else await link(draft, pointer).catch(ignoreExisting);
    return (await readFile(pointer, "utf8")).trim();
  } finally {
    await rm(draft, { force: true });
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

async function initialise(cluster: Cluster, data: string): Promise<void> {
  await mkdir(data, { mode: 0o700 });
  await giveToServer(cluster.binaries, data);
  const password = randomBytes(24).toString("base64url");
  const passwordFile = `${data}-password`;
  try {
    await writeFile(passwordFile, password, { mode: 0o600, flag: "wx" });
    await giveToServer(cluster.binaries, passwordFile);
    const auth = ["--username", OWNER, "--auth", "scram-sha-256", "--pwfile", passwordFile];
    const made = await run(cluster, "initdb", [
      "-D",
      data,
      ...auth,
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
    ]);
    if (made.code !== 0) throw new Error(`initdb failed in ${cluster.home}: ${made.output}`);
    await rename(passwordFile, path.join(data, "owner-password"));
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function giveToServer({ runAs }: PostgresBinaries, file: string): Promise<void> {
  if (runAs.uid !== undefined && runAs.gid !== undefined) await chown(file, runAs.uid, runAs.gid);
}

async function demandDurability(ownerUrl: string): Promise<void> {
  const sql = postgres(ownerUrl, { max: 1 });
  try {
    const [row] = await sql`select current_setting('fsync') as fsync`;
    if (row?.fsync !== "on") throw new Error("The PostgreSQL running there is not durable. Stop it first.");
  } finally {
    await sql.end();
  }
}
