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
const SETTINGS = { shared_buffers: "1GB", max_wal_size: "8GB", checkpoint_timeout: "30min" };

/** A durable PostgreSQL (fsync and synchronous_commit on) of this process's own, so that two runs never meet. */
export async function startServer(): Promise<BenchServer> {
  const folder = path.resolve(ROOT, String(process.pid));
  await removeFoldersOfDeadRuns();
  await mkdir(folder, { recursive: true });
  const dir = path.join(folder, "postgres");
  await configure(dir);
  const { ownerUrl } = await startEmbeddedPostgres({ dir, durable: true });
  const admin = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  const stop = async () => {
    await admin.end({ timeout: 5 });
    await removeFolder(folder);
  };
  return { ownerUrl, admin, folder, stop };
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
