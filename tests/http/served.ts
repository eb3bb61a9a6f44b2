import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { AnyTRPCRouter } from "@trpc/server";
import { onTestFinished } from "vitest";
import { answerApiRequest } from "@/app/api/trpc/[trpc]/answer";
import { createApiKey } from "@/server/accounts/api-keys";
import type { Runtime, TenantCtx } from "@/server/context";

/**
 * The API on a port of its own, until the test is over: what only sockets can show (streams, callers that hang up).
 * The caller is an API key of `as`.
 */
export async function served(runtime: Runtime, router: AnyTRPCRouter, as: TenantCtx) {
  const { key } = await createApiKey(as, { name: "served" });
  const server = createServer((incoming, outgoing) => void answer(runtime, router, incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/trpc`;
  return { url, headers: { authorization: `Bearer ${key}` } };
}

async function answer(
  runtime: Runtime,
  router: AnyTRPCRouter,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const body = incoming.method === "POST" ? Buffer.concat(await incoming.toArray()) : undefined;
  const request = new Request(`http://app.test${incoming.url}`, {
    method: incoming.method,
    headers: new Headers(incoming.headers as Record<string, string>),
    body,
    signal: gone.signal,
  });
  const response = await answerApiRequest(runtime, request, async () => null, router);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  if (!response.body) return void outgoing.end();
  // The caller may have hung up: then the body is cancelled, as Next does it.
  await pipeline(Readable.fromWeb(response.body as never), outgoing).catch(() => {});
}
