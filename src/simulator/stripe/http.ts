import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type ApiAnswer, type ApiRequest, answerApi } from "./api";
import { settleDue } from "./billing/due";
import { type Control, runControlCommand } from "./control";
import { StripeApiError } from "./errors";
import type { IdempotencyKeys } from "./idempotency";
import { answerPage } from "./pages/pages";
import type { Route } from "./routes";
import type { World } from "./world";

interface HttpParts {
  world: World;
  routes: Route[];
  keys: IdempotencyKeys;
  control: Control;
  /** Called after every request that may have changed something. */
  onChange: () => void;
}

const MAX_BODY_BYTES = 1_000_000;
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;
// Pages carry no scripts. form-action stays open: it would also forbid the redirect back to the site.
const PAGE_POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new StripeApiError(413, { message: "The request is too large." });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body, null, 2);
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(text);
}

function apiRequest(request: IncomingMessage, url: URL, body: string): ApiRequest {
  const method = request.method ?? "GET";
  return {
    method,
    path: url.pathname,
    form: method === "POST" ? body : url.search.slice(1),
    authorization: header(request, "authorization"),
    idempotencyKey: header(request, "idempotency-key"),
    stripeVersion: header(request, "stripe-version"),
    stripeAccount: header(request, "stripe-account"),
  };
}

function sendApi(request: IncomingMessage, response: ServerResponse, answer: ApiAnswer): void {
  if (answer.lost === "close") request.socket.destroy();
  if (answer.lost) return;
  sendJson(response, answer.status, answer.body, answer.headers);
}

// A page of another site cannot send JSON without asking first, and gets no permission here.
async function sendControl(parts: HttpParts, request: IncomingMessage, response: ServerResponse, url: URL) {
  const isRead = request.method === "GET";
  if (!isRead && header(request, "content-type") !== "application/json") {
    return sendJson(response, 415, { error: "Send application/json" });
  }
  const body = isRead ? {} : (JSON.parse((await readBody(request)) || "{}") as object);
  const command = url.pathname.slice("/__sim/".length);
  if (isRead && command !== "report") return sendJson(response, 405, { error: "Use POST" });
  const result = await runControlCommand(parts.world, parts.control, command, body);
  return result
    ? sendJson(response, 200, result)
    : sendJson(response, 404, { error: `No command ${command}` });
}

async function sendPage(parts: HttpParts, request: IncomingMessage, response: ServerResponse, url: URL) {
  const form = new URLSearchParams(request.method === "POST" ? await readBody(request) : url.search);
  const answer = answerPage(parts.world, request.method ?? "GET", url.pathname, form);
  if (!answer)
    return sendJson(response, 404, { error: { type: "invalid_request_error", message: "Not found" } });
  if ("location" in answer) return response.writeHead(303, { location: answer.location }).end();
  if ("pdf" in answer) {
    const headers = { "content-type": "application/pdf", "cache-control": "no-store" };
    return response.writeHead(answer.status, headers).end(answer.pdf);
  }
  const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": PAGE_POLICY };
  return response.writeHead(answer.status, { ...headers, "cache-control": "no-store" }).end(answer.html);
}

async function handle(parts: HttpParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!LOOPBACK_HOST.test(header(request, "host") ?? "")) {
    return sendJson(response, 403, { error: { type: "invalid_request_error", message: "Loopback only." } });
  }
  const url = new URL(request.url ?? "/", "http://localhost");
  settleDue(parts.world, parts.world.now());
  if (url.pathname.startsWith("/__sim/")) await sendControl(parts, request, response, url);
  else if (/^\/v[12]\//.test(url.pathname)) {
    const body = await readBody(request);
    sendApi(request, response, await answerApi(parts, apiRequest(request, url, body)));
  } else await sendPage(parts, request, response, url);
  if (request.method !== "GET") parts.onChange();
}

/** The simulator's HTTP server, not listening yet. */
export function createHttpServer(parts: HttpParts): Server {
  return createServer((request, response) => {
    handle(parts, request, response).catch((error: unknown) => {
      const known = error instanceof StripeApiError;
      if (!known) parts.world.report("response", `${request.method} ${request.url}`, [String(error)]);
      const body = known ? error.body : { error: { type: "api_error", message: String(error) } };
      if (!response.headersSent) sendJson(response, known ? error.status : 500, body);
    });
  });
}
