import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { connect, createServer } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { childEnvironment } from "@/env";
import { isAlive, type PostgresBinaries } from "./embedded-binaries";

const POLL_MS = 20;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const MAX_FAILED_STARTS = 5;
const MAX_LOG_BYTES = 10_000_000;

/** A data folder with the programs that serve it. */
export interface Cluster {
  binaries: PostgresBinaries;
  home: string;
  data: string;
  log: string;
}

/** Starts the cluster's server, or waits for the one that runs or is being started by somebody else. */
export async function ensureRunning(cluster: Cluster, options: { durable?: boolean; port?: number }) {
  const startedAtMs = performance.now();
  let failedStarts = 0;
  while (performance.now() - startedAtMs < START_TIMEOUT_MS && failedStarts < MAX_FAILED_STARTS) {
    const running = readRunning(cluster);
    if (running && !(await belongsTo(cluster, running.pid))) await removeStalePidFile(cluster, running.pid);
    else if (running?.ready && (await accepts(running.port))) return { port: running.port, reused: true };
    else if (!running) {
      const port = options.port ?? (await choosePort(cluster));
      if (await launch(cluster, port, options.durable ?? false)) return { port, reused: false };
      // Losing the race against another start is no failure: the winner's pid file is there now.
      if (!readRunning(cluster)) failedStarts += 1;
    }
    await delay(POLL_MS);
  }
  const log = await readFile(cluster.log, "utf8").catch(() => "");
  const lastLines = log.trimEnd().split("\n").slice(-8).join("\n");
  throw new Error(
    `PostgreSQL did not start in ${cluster.home}. Its log (${cluster.log}) ends with:\n${lastLines}`,
  );
}

/** What `postmaster.pid` says; undefined when it is absent, half written, or its process is gone. */
export function readRunning(cluster: Cluster): { pid: number; port: number; ready: boolean } | undefined {
  let lines: string[];
  try {
    lines = readFileSync(path.join(cluster.data, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!pid || !isAlive(pid)) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
}

/** Stops the cluster's server, at once where it does not stop in time; resolves when its process is gone. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const running = readRunning(cluster);
  if (!running || !(await belongsTo(cluster, running.pid))) return;
  const stop = (mode: string) =>
    run(cluster, "pg_ctl", ["-D", cluster.data, "-m", mode, "-w", "-t", "20", "stop"]);
  if ((await stop("fast")).code !== 0) await stop("immediate");
  await waitUntilGone(cluster, running.pid);
}

async function waitUntilGone(cluster: Cluster, pid: number): Promise<void> {
  const startedAtMs = performance.now();
  // A dead process keeps its number until its parent notices, but has no command line any more.
  while (isAlive(pid) && (await belongsTo(cluster, pid))) {
    if (performance.now() - startedAtMs > STOP_TIMEOUT_MS)
      throw new Error(`PostgreSQL (${pid}) does not stop.`);
    await delay(POLL_MS);
  }
}

/** Runs one of the package's programs to its end, as the user that may run it. */
export async function run(cluster: Cluster, tool: "initdb" | "pg_ctl", args: string[]) {
  const file = path.join(cluster.binaries.native, "bin", process.platform === "win32" ? `${tool}.exe` : tool);
  return capture(file, args, { ...cluster.binaries.runAs, cwd: cluster.home });
}

async function launch(cluster: Cluster, port: number, durable: boolean): Promise<boolean> {
  const safety = durable ? "on" : "off";
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    fsync: safety,
    synchronous_commit: safety,
    full_page_writes: safety,
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  const logBytes = (await stat(cluster.log).catch(() => undefined))?.size ?? 0;
  if (logBytes > MAX_LOG_BYTES) await rm(cluster.log, { force: true });
  const args = ["-D", cluster.data, "-l", cluster.log, "-w", "-t", "60", "-o", options.join(" "), "start"];
  return (await run(cluster, "pg_ctl", args)).code === 0;
}

/** After a crash or a reboot the number in `postmaster.pid` may belong to any other process. */
async function belongsTo(cluster: Cluster, pid: number): Promise<boolean> {
  if (process.platform === "win32") return true;
  const command =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
      : (await capture("ps", ["-ww", "-o", "command=", "-p", String(pid)])).output;
  return command.includes(cluster.data);
}

async function removeStalePidFile(cluster: Cluster, judgedPid: number): Promise<void> {
  const file = path.join(cluster.data, "postmaster.pid");
  const aside = `${file}.${crypto.randomUUID()}`;
  await rename(file, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => "");
  // Between the judgement and the move another start may have put its own file there: give it back.
  if (moved && Number(moved.split("\n")[0]) !== judgedPid) await rename(aside, file);
  await rm(aside, { force: true });
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}

/** The port of the last start while it is free, so that a database client's bookmark stays valid. */
async function choosePort(cluster: Cluster): Promise<number> {
  const lastCommand = await readFile(path.join(cluster.data, "postmaster.opts"), "utf8").catch(() => "");
  const lastPort = Number(/port=(\d+)/.exec(lastCommand)?.[1] ?? 0);
  return listenBriefly(lastPort).catch(() => listenBriefly(0));
}

async function listenBriefly(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

async function capture(
  file: string,
  args: string[],
  options: { uid?: number; gid?: number; cwd?: string } = {},
) {
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    // On Windows the server inherits these pipes and would keep them open for as long as it runs.
    const output = process.platform === "win32" ? "ignore" : "pipe";
    const env = childEnvironment({ LC_ALL: "C" });
    const child = spawn(file, args, {
      ...options,
      env,
      stdio: ["ignore", output, output],
      windowsHide: true,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += chunk));
    child.once("error", reject).once("close", (code) => resolve({ code, output: text }));
  });
}
