import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire to PostgreSQL that fails on demand. */
export interface Proxy {
  url: string;
  /**
   * Cuts the next connection that sends a statement or parameter holding `needle` (after one holding `since`, if that
   * is given): before it arrives, or when its answer comes back.
   */
  cut(when: "before" | "after", needle: string, since?: string): void;
  /** Whether the cut asked for has been made. */
  wasCut(): boolean;
  close(): Promise<void>;
}

interface Cut {
  when: "before" | "after";
  needle: string;
  since: string;
  made: boolean;
}

export async function openProxy(target: string): Promise<Proxy> {
  const upstream = new URL(target);
  const sockets = new Set<Socket>();
  let cut: Cut | undefined;
  const server = createServer((client) => {
    const database = connect(Number(upstream.port), upstream.hostname);
    const said = new Statements();
    let armed = false;
    const hangUp = () => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on("error", hangUp).on("close", () => {
        sockets.delete(socket);
        hangUp();
      });
    }
    client.on("data", (bytes: Buffer) => {
      if (said.reach(bytes, cut) && cut) {
        cut.made = true;
        if (cut.when === "before") return hangUp();
        armed = true;
      }
      database.write(bytes);
    });
    database.on("data", (bytes: Buffer) => (armed ? hangUp() : client.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cut: (when, needle, since = "") => {
      cut = { when, needle, since, made: false };
    },
    wasCut: () => cut?.made === true,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What one connection executes. A prepared statement is named once and called by its name from then on. */
class Statements {
  readonly #texts = new Map<string, string>();
  #cut: Cut | undefined;
  #since = false;

  /** Whether something that these bytes execute is where the cut was wished for. */
  reach(bytes: Buffer, cut: Cut | undefined): boolean {
    let found = false;
    if (this.#cut !== cut) [this.#cut, this.#since] = [cut, false];
    for (const executed of this.#executed(bytes)) {
      if (!cut || cut.made) continue;
      this.#since ||= executed.includes(cut.since);
      found ||= this.#since && executed.includes(cut.needle);
    }
    return found;
  }

  #executed(bytes: Buffer): string[] {
    const all: string[] = [];
    // The start-up message has no type byte: its length comes first, and its first byte is 0.
    for (let at = 0; bytes[0] !== 0 && at + 5 <= bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
      const type = String.fromCharCode(bytes[at]!);
      const body = bytes.subarray(at + 5, at + 1 + bytes.readInt32BE(at + 1)).toString("latin1");
      const [first = "", second = ""] = body.split("\0");
      if (type === "P") this.#texts.set(first, second);
      if (type === "B") all.push(`${this.#texts.get(second)} ${body}`);
      if (type === "Q") all.push(body);
    }
    return all;
  }
}
