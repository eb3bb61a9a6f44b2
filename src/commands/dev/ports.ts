import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { writeJsonFile } from "./files";

/** Where everything listens the first time; after that, where it listened the last time. */
const FIRST_PORTS = { web: 3000, stripe: 12111, mailbox: 8025, smtp: 1025 };
const MAX_TRIES = 200;

export type PortName = keyof typeof FIRST_PORTS;
export type Ports = Record<PortName, number>;

/**
 * Picks a port for everything that listens, and keeps the choice in `file` so that links stay valid.
 * @param wanted ports asked for in this run; they win over the remembered ones.
 * @param print is told about each taken port and its replacement.
 */
export async function choosePorts(
  file: string,
  wanted: Partial<Ports>,
  print: (line: string) => void,
): Promise<Ports> {
  const ports: Ports = { ...FIRST_PORTS, ...(await rememberedPorts(file)), ...wanted };
  const given = new Set<number>();
  for (const name of Object.keys(FIRST_PORTS) as PortName[]) {
    const preferred = ports[name];
    ports[name] = await nextFreePort(preferred, given);
    given.add(ports[name]);
    if (ports[name] !== preferred) print(`  Port ${preferred} is taken: ${name} moves to ${ports[name]}.`);
  }
  await writeJsonFile(file, ports);
  return ports;
}

/** The first port from `from` on that nobody listens on and that `except` doesn't hold. */
export async function nextFreePort(from: number, except: ReadonlySet<number> = new Set()): Promise<number> {
  for (let port = from; port < from + MAX_TRIES && port < 65_536; port++) {
    if (!except.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`There is no free port from ${from} on.`);
}

/** Both loopback addresses and all of them together: systems differ in which of these overlap. */
async function isFree(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", "::1", "::"]) {
    if (!(await canListen(port, host))) return false;
  }
  return true;
}

async function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    // Without IPv6 there is nobody there to be in the way.
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(!["EADDRINUSE", "EACCES"].includes(error.code ?? "")),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function rememberedPorts(file: string): Promise<Partial<Ports>> {
  const saved: unknown = JSON.parse(await readFile(file, "utf8").catch(() => "{}"));
  const names = Object.keys(FIRST_PORTS);
  const entries = Object.entries(Object(saved)).filter(
    ([name, port]) => names.includes(name) && Number.isInteger(port),
  );
  return Object.fromEntries(entries);
}
