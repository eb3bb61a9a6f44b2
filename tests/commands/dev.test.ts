import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEnv as parseEnvFile } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { command } from "@/commands/dev/command";
import { onChange, runJob } from "@/commands/dev/cron";
import { claimFolder, fillSecrets, publishEnvironment } from "@/commands/dev/files";
import { choosePorts, nextFreePort } from "@/commands/dev/ports";
import { type Environment, type Service, ServiceGroup } from "@/commands/dev/services";

let folder: string;
let lines: string[];
const open: Server[] = [];
const print = (line: string) => lines.push(line);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tollgate dev "));
  lines = [];
});

afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function takePort(server: Server = createServer(), host = "127.0.0.1"): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

describe("ports", () => {
  test("a taken port is replaced by the next free one, and the launcher says so", async () => {
    const taken = await takePort();
    const ports = await choosePorts(path.join(folder, "ports.json"), { web: taken }, print);
    expect(ports.web).toBeGreaterThan(taken);
    expect(lines).toContain(`  Port ${taken} is taken: web moves to ${ports.web}.`);
  });

  test("a port that is taken on all addresses only counts as taken", async () => {
    const taken = await takePort(createServer(), "0.0.0.0");
    expect(await nextFreePort(taken)).toBeGreaterThan(taken);
  });

  test("the choice is remembered, and two services never get one port", async () => {
    const file = path.join(folder, "ports.json");
    const free = await nextFreePort(42_000);
    const first = await choosePorts(file, { web: free, stripe: free, smtp: free, mailbox: free }, print);
    expect(new Set(Object.values(first)).size).toBe(4);
    expect(await choosePorts(file, {}, print)).toEqual(first);
  });
});

describe("services", () => {
  const log: string[] = [];
  beforeEach(() => void log.splice(0));
  const live = new AbortController().signal;

  function service(name: string, env: Record<string, string> = {}, failure?: string): Service {
    return {
      name,
      start: async (environment) => {
        if (failure) throw new Error(failure);
        log.push(`start ${name} ${environment.SEEN ?? "nothing"}`);
        return { line: "up", env, stop: async () => void log.push(`stop ${name}`) };
      },
    };
  }

  test("start in order, hand their variables on, and stop in reverse", async () => {
    const environment: Environment = {};
    const group = new ServiceGroup(print);
    await group.start([service("a", { SEEN: "a" }), service("b"), service("c")], environment, live);
    await group.stop();
    await group.stop();
    expect(log).toEqual(["start a nothing", "start b a", "start c a", "stop c", "stop b", "stop a"]);
    expect(lines.map((line) => line.trim()[0])).toEqual(["a", "b", "c"]);
  });

  test("one that fails is named, and those before it are stopped in reverse", async () => {
    const group = new ServiceGroup(print);
    const started = group.start(
      [service("a"), service("b"), service("c", {}, "no luck"), service("d")],
      {},
      live,
    );
    await expect(started).rejects.toThrow("c did not start: no luck");
    expect(log).toEqual(["start a nothing", "start b nothing", "stop b", "stop a"]);
  });

  test("one that does not stop is named, and the others stop all the same", async () => {
    const stubborn: Service = {
      name: "stubborn",
      start: async () => ({ line: "up", stop: () => Promise.reject(new Error("never")) }),
    };
    const group = new ServiceGroup(print);
    await group.start([service("a"), stubborn], {}, live);
    await group.stop();
    expect(log.at(-1)).toBe("stop a");
    expect(lines.at(-1)).toContain("stubborn did not stop: never");
  });

  test("an interrupt during the start starts nothing more, and stop reaches what runs", async () => {
    const interrupt = new AbortController();
    const interrupting: Service = {
      name: "b",
      start: async () => {
        interrupt.abort();
        return { line: "up", stop: async () => void log.push("stop b") };
      },
    };
    const group = new ServiceGroup(print);
    await group.start([service("a"), interrupting, service("c")], {}, interrupt.signal);
    await group.stop();
    expect(log).toEqual(["start a nothing", "stop b", "stop a"]);
  });
});

describe("secrets", () => {
  test("are made once, privately, and never replace a given one", async () => {
    const file = path.join(folder, "secrets.json");
    const first: Environment = { CRON_SECRET: "given by the builder" };
    await fillSecrets(file, first);
    const second: Environment = {};
    await fillSecrets(file, second);
    expect(first.CRON_SECRET).toBe("given by the builder");
    expect(second.AUTH_SECRET).toBe(first.AUTH_SECRET);
    expect(second.AUTH_SECRET?.length).toBeGreaterThanOrEqual(32);
    expect(second.STRIPE_WEBHOOK_SECRET).toMatch(/^whsec_.{32}/);
    expect(new Set(Object.values(second)).size).toBe(3);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

describe("the running environment", () => {
  test("reaches other commands as a private file they can load", async () => {
    const file = path.join(folder, "running.env");
    await publishEnvironment(
      { MAIL_FROM: "Tollgate <a@b.test> # ops", DATABASE_URL: "postgres://u:p$x@h/d", HOME: "/" },
      file,
    );
    expect(parseEnvFile(await readFile(file, "utf8"))).toEqual({
      MAIL_FROM: "Tollgate <a@b.test> # ops",
      DATABASE_URL: "postgres://u:p$x@h/d",
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

describe("a command of the start", () => {
  test("gets the variables of the services before it, and its last line is shown", async () => {
    const file = path.join(folder, "command.mjs");
    await writeFile(file, "console.log('working'); console.log(process.env.SEEN + process.argv[2]);");
    const started = await command("Job", file, ["!"]).start(
      { ...process.env, SEEN: "yes" },
      AbortSignal.timeout(30_000),
    );
    expect(started.line).toBe("yes!");
  });

  test("that fails stops the start with what it printed", async () => {
    const file = path.join(folder, "command.mjs");
    await writeFile(file, "console.error('no price list'); process.exit(3);");
    const started = command("Job", file).start(process.env, AbortSignal.timeout(30_000));
    await expect(started).rejects.toThrow(/ended with 3\.\nno price list/);
  });
});

describe("the claim on a folder", () => {
  test("keeps a second launcher out while the first one lives", async () => {
    const file = path.join(folder, "dev.pid");
    await writeFile(file, String(process.ppid));
    await expect(claimFolder(file)).rejects.toThrow(`process ${process.ppid}`);
  });

  test("of a launcher that was killed is taken over, and given back at the end", async () => {
    const file = path.join(folder, "dev.pid");
    await writeFile(file, "999999999");
    const release = await claimFolder(file);
    expect(await readFile(file, "utf8")).toBe(String(process.pid));
    await release();
    await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("the local cron", () => {
  test("calls a job with the secret as bearer token", async () => {
    const seen: string[] = [];
    const app = createHttpServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization}`);
      response.writeHead(request.url === "/api/cron/reset" ? 200 : 500).end();
    });
    const port = await takePort(app);
    expect(await runJob(port, "reset", "cron secret")).toBeUndefined();
    expect(await runJob(port, "inbox", "cron secret")).toBe("answered 500");
    expect(seen).toEqual(["/api/cron/reset Bearer cron secret", "/api/cron/inbox Bearer cron secret"]);
  });

  test("says an error once, and once when it is over", () => {
    const report = onChange(print);
    for (const error of ["answered 500", "answered 500", undefined, undefined]) report("inbox", error);
    expect(lines).toEqual(["  Cron job inbox: answered 500", "  Cron job inbox works again."]);
  });
});
