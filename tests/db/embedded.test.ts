import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ensureDatabase, removeEmbeddedPostgres, startEmbeddedPostgres } from "@/server/db/embedded";

let folder: string;
let dir: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tollgate embedded "));
  dir = path.join(folder, "postgres");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await removeEmbeddedPostgres(dir);
  await rm(folder, { recursive: true, force: true });
});

async function query(url: string, text: string) {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

/** A dead process keeps its number until its parent notices; on Linux its empty command line gives it away. */
async function runs(pid: number | undefined): Promise<boolean> {
  if (process.platform === "linux")
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")) !== "";
  try {
    return process.kill(pid ?? Number.NaN, 0);
  } catch {
    return false;
  }
}

describe("who gets in", () => {
  test("a connection without the password, or with a wrong one, is refused", async () => {
    const server = await startEmbeddedPostgres({ dir });
    const url = new URL(server.ownerUrl);
    expect(url.password.length).toBeGreaterThanOrEqual(32);
    url.password = "";
    await expect(query(url.href, "select 1")).rejects.toThrow();
    url.password = "wrong";
    await expect(query(url.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
    expect(await query(server.ownerUrl, "select 1 as one")).toMatchObject([{ one: 1 }]);
  });

  test("it listens on the loopback address only, and on no socket file", async () => {
    const server = await startEmbeddedPostgres({ dir });
    const [row] = await query(
      server.ownerUrl,
      "select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as socket",
    );
    expect(row).toEqual({ tcp: "127.0.0.1", socket: "" });
    const outside = Object.values(networkInterfaces()).flatMap(
      (list) => list?.filter((one) => !one.internal) ?? [],
    );
    for (const { address, family } of outside)
      if (family === "IPv4") expect(await opens(server.port, address)).toBe(false);
  });

  test("production is refused", async () => {
    vi.stubEnv("NODE_ENV", "production");
    await expect(startEmbeddedPostgres({ dir })).rejects.toThrow("DATABASE_URL");
  });
});

describe("one server for one folder", () => {
  test("a second start finds the first one's server and data", async () => {
    const first = await startEmbeddedPostgres({ dir });
    const url = await ensureDatabase(first.ownerUrl, "other");
    await query(url, "create table kept as select 7 as n");
    const second = await startEmbeddedPostgres({ dir });
    expect(second).toMatchObject({ reused: true, port: first.port, ownerUrl: first.ownerUrl });
    expect(await query(await ensureDatabase(second.ownerUrl, "other"), "select n from kept")).toMatchObject([
      { n: 7 },
    ]);
  });

  test("first starts at the same time, also of two processes, end up at one server", async () => {
    const [a, b, otherPid] = await Promise.all([
      startEmbeddedPostgres({ dir }),
      startEmbeddedPostgres({ dir }),
      pidOfStartInOtherProcess(dir),
    ]);
    expect(b.ownerUrl).toBe(a.ownerUrl);
    expect(otherPid).toBe(a.pid());
    expect((await readdir(dir)).filter((name) => name.startsWith("tmp-"))).toEqual([]);
  });

  test("it comes back on the port of its last start, or on the given one", async () => {
    const first = await startEmbeddedPostgres({ dir });
    await first.stop();
    const second = await startEmbeddedPostgres({ dir });
    expect(second.port).toBe(first.port);
    await second.stop();
    const moved = await startEmbeddedPostgres({ dir, port: first.port });
    expect(moved).toMatchObject({ port: first.port, reused: false });
  });
});

describe("after a crash", () => {
  test("a killed server restarts, and what it had acknowledged is there", async () => {
    const first = await startEmbeddedPostgres({ dir, durable: true });
    await query(first.ownerUrl, "create table kept as select 7 as n");
    const killed = first.pid();
    process.kill(killed ?? Number.NaN, "SIGKILL");
    const second = await startEmbeddedPostgres({ dir, durable: true });
    expect(second.reused).toBe(false);
    expect(second.pid()).not.toBe(killed);
    expect(await query(second.ownerUrl, "select n from kept")).toMatchObject([{ n: 7 }]);
  });

  test("a pid file that names somebody else's process doesn't keep it from starting", async () => {
    const first = await startEmbeddedPostgres({ dir });
    const file = path.join(await homeOf(dir), "data", "postmaster.pid");
    const lines = (await readFile(file, "utf8")).split("\n");
    await first.stop();
    await writeFile(file, [String(process.pid), ...lines.slice(1)].join("\n"));
    const second = await startEmbeddedPostgres({ dir });
    expect(await query(second.ownerUrl, "select 1 as one")).toMatchObject([{ one: 1 }]);
  });
});

describe("durability", () => {
  const settings = `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
    current_setting('full_page_writes') as pages`;

  test("durable means that all three safety settings are on; otherwise they are off", async () => {
    const fast = await startEmbeddedPostgres({ dir });
    expect(await query(fast.ownerUrl, settings)).toMatchObject([
      { fsync: "off", commit: "off", pages: "off" },
    ]);
    await expect(startEmbeddedPostgres({ dir, durable: true })).rejects.toThrow("not durable");
    await fast.stop();
    const durable = await startEmbeddedPostgres({ dir, durable: true });
    expect(await query(durable.ownerUrl, settings)).toMatchObject([
      { fsync: "on", commit: "on", pages: "on" },
    ]);
  });
});

describe("the end", () => {
  test("stop leaves no process, and stopping again is harmless", async () => {
    const server = await startEmbeddedPostgres({ dir });
    const pid = server.pid();
    expect(await runs(pid)).toBe(true);
    await server.stop();
    expect(await runs(pid)).toBe(false);
    expect(server.pid()).toBeUndefined();
    await server.stop();
  });

  test("removing deletes the data of a running server and nothing else in the folder", async () => {
    const server = await startEmbeddedPostgres({ dir });
    const pid = server.pid();
    const home = await homeOf(dir);
    await writeFile(path.join(dir, "notes.txt"), "mine");
    await removeEmbeddedPostgres(dir);
    expect(await runs(pid)).toBe(false);
    expect(await readdir(home).catch(() => [])).not.toContain("data");
    expect(await readdir(dir)).toEqual(["notes.txt"]);
  });
});

describe("a folder that is made anew", () => {
  test("starts empty, whatever was in one of that name before", async () => {
    const first = await startEmbeddedPostgres({ dir });
    await ensureDatabase(first.ownerUrl, "old");
    await first.stop();
    await rm(dir, { recursive: true });
    const second = await startEmbeddedPostgres({ dir });
    expect(await query(second.ownerUrl, "select 1 from pg_database where datname = 'old'")).toHaveLength(0);
  });
});

async function homeOf(requested: string): Promise<string> {
  const pointer = await readFile(path.join(requested, "location.txt"), "utf8").catch(() => requested);
  return pointer.trim();
}

async function opens(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true)).once("error", () => resolve(false));
    socket.unref();
  });
}

async function pidOfStartInOtherProcess(requested: string): Promise<number> {
  const program = `import { startEmbeddedPostgres } from "./src/server/db/embedded.ts";
startEmbeddedPostgres({ dir: process.argv[1] }).then((server) => console.log(server.pid()));`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", program, requested];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}
