import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import postgres from "postgres";
import { removeEmbeddedPostgres, startEmbeddedPostgres } from "@/server/db/embedded";
import { isAlive } from "@/server/db/embedded-binaries";

const ROOT = ".data-bench";

export interface BenchServer {
  ownerUrl: string;
  admin: postgres.Sql;
  /** A folder of this run's own; gone when it stops. */
  folder: string;
  stop(): Promise<void>;
}

/** What any server in production has instead of a laptop's defaults. Durability stays as it is: nothing here is about it. */
const SETTINGS = {
  shared_buffers: "1GB",
  max_wal_size: "8GB",
  min_wal_size: "4GB",
  checkpoint_timeout: "30min",
};

/**
 * A durable PostgreSQL (fsync and synchronous_commit on) of this process's own, so that two runs never meet.
 * @param walFiles how many it has written before, 16 MB each: see {@link wearIn}
 */
export async function startServer(walFiles: number): Promise<BenchServer> {
  const folder = path.resolve(ROOT, String(process.pid));
  await removeFoldersOfDeadRuns();
  await mkdir(folder, { recursive: true });
  const dir = path.join(folder, "postgres");
  await configure(dir);
  const { ownerUrl } = await startEmbeddedPostgres({ dir, durable: true });
  const admin = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  await wearIn(admin, walFiles);
  const stop = async () => {
    await admin.end({ timeout: 5 });
    await removeFolder(folder);
  };
  return { ownerUrl, admin, folder, stop };
}

/**
 * A server that has run for a while writes into WAL files that it used before. A fresh one has to make each when it gets there,
 * and whoever commits waits for it: a stall each 16 MB, which no server has for long. What was written before a checkpoint is kept
 * for reuse.
 */
async function wearIn(admin: postgres.Sql, files: number): Promise<void> {
  for (let file = 0; file < files; file += 1)
    await admin`select pg_switch_wal() from pg_logical_emit_message(true, 'bench', '')`;
  await admin`checkpoint`;
}

async function configure(dir: string): Promise<void> {
  const server = await startEmbeddedPostgres({ dir, durable: true });
  const admin = postgres(server.ownerUrl, { max: 1 });
  for (const [name, value] of Object.entries(SETTINGS))
    await admin.unsafe(`alter system set ${name} = '${value}'`);
  await admin.end({ timeout: 5 });
  await server.stop();
}

async function removeFoldersOfDeadRuns(): Promise<void> {
  const names = await readdir(ROOT).catch(() => []);
  const dead = names.filter((name) => /^\d+$/.test(name) && !isAlive(Number(name)));
  for (const name of dead) await removeFolder(path.join(ROOT, name));
}

async function removeFolder(folder: string): Promise<void> {
  await removeEmbeddedPostgres(path.join(folder, "postgres"));
  await rm(folder, { recursive: true, force: true });
}
