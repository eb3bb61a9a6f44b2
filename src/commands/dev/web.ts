import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { answersOn } from "./files";
import type { Service } from "./services";

const POLL_MS = 50;
const STOP_TIMEOUT_MS = 8_000;
/** Loaded into Next: it ends by itself when the launcher is killed and can stop nothing any more. */
const END_WITH_LAUNCHER = "process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))";

/**
 * `next dev` as a child process.
 * @param onExit is called when Next ends by itself.
 */
export function webServer(port: number, onExit: () => void): Service {
  return {
    name: "App",
    start: async (environment, signal) => {
      const child = spawnNext(port, environment);
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      while (!(await answersOn(port))) {
        if (child.exitCode !== null) throw new Error(`next dev ended with code ${child.exitCode}.`);
        if (signal.aborted) await stopGroup(child, exited);
        signal.throwIfAborted();
        await delay(POLL_MS);
      }
      let stopping = false;
      void exited.then(() => stopping || onExit());
      return {
        line: `http://localhost:${port}`,
        stop: () => {
          stopping = true;
          return stopGroup(child, exited);
        },
        kill: () => signalGroup(child, "SIGKILL"),
      };
    },
  };
}

function spawnNext(port: number, environment: Record<string, string | undefined>): ChildProcess {
  const next = path.join(
    path.dirname(createRequire(import.meta.url).resolve("next/package.json")),
    "dist/bin/next",
  );
  const { NODE_ENV: _development, ...env } = environment;
  const preload = `data:text/javascript,${encodeURIComponent(END_WITH_LAUNCHER)}`;
  return spawn(process.execPath, ["--import", preload, next, "dev", "-H", "localhost", "-p", String(port)], {
    env: { NEXT_TELEMETRY_DISABLED: "1", ...env } as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // Its own group: Ctrl-C reaches the launcher only, which then stops things in order.
    detached: process.platform !== "win32",
  });
}

async function stopGroup(child: ChildProcess, exited: Promise<void>): Promise<void> {
  signalGroup(child, "SIGTERM");
  const timeout = new AbortController();
  const timer = delay(STOP_TIMEOUT_MS, "late", { signal: timeout.signal }).catch(() => "stopped");
  await Promise.race([exited, timer]);
  timeout.abort();
  // Next's own children are in the group too, and the last of them outlives its parent for a moment.
  signalGroup(child, "SIGKILL");
  await exited;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!child.pid) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
