import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import { answerApiRequest } from "@/app/api/trpc/[trpc]/answer";
import type { Runtime } from "@/server/context";

/** What goes wrong with the next request: before it is handled, after it is, half-way through the answer, or for ever. */
export type Fault = "refused" | "lost" | "half" | "silent" | 500 | 502 | 503;

export interface Line {
  url: string;
  /** One a request, in order; without any, all is well. */
  faults: Fault[];
  /** Paths and bodies that arrived, in order. */
  arrived: { path: string; body: string }[];
}

/** The API over real HTTP, on a line that breaks on demand. */
export async function openLine(runtime: Runtime): Promise<Line> {
  const faults: Fault[] = [];
  const arrived: Line["arrived"] = [];
  const server = createServer(async (incoming, response) => {
    const request = await toRequest(incoming);
    arrived.push({ path: new URL(request.url).pathname, body: await request.clone().text() });
    const fault = faults.shift();
    if (typeof fault === "number") return response.writeHead(fault).end("<h1>Bad gateway</h1>");
    if (fault === "refused") return response.destroy();
    const answer = await answerApiRequest(runtime, request, async () => null);
    if (fault === "silent") return;
    if (fault === "lost") return response.destroy();
    await reply(response, answer, fault === "half");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, faults, arrived };
}

async function toRequest(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = "GET", url = "/", headers } = incoming;
  return new Request(`http://app.test${url}`, {
    method,
    headers: headers as Record<string, string>,
    body: method === "POST" ? Buffer.concat(chunks) : undefined,
  });
}

async function reply(response: ServerResponse, answer: Response, half: boolean): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, {
    ...Object.fromEntries(answer.headers),
    "content-length": body.byteLength,
  });
  if (!half) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, body.byteLength / 2), () => response.destroy());
}
