import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { isProduction } from "@/env";
import { renderInbox } from "./page";
import { MailStore } from "./store";

const HOST = "127.0.0.1";
const MAX_MAIL_BYTES = 10_000_000;

/** A running mail catcher. */
export interface MailCatcher {
  /** For `SMTP_URL`. */
  smtpUrl: string;
  /** The page, and the JSON endpoint `/api/messages` below it. */
  url: string;
  close(): Promise<void>;
}

/**
 * Takes every mail over SMTP, delivers none, and shows them on a page. On this machine only.
 * @param options.smtpPort,httpPort free ports when left out.
 * @param options.stateFile keeps the last 200 mails over a restart.
 * @param options.now the clock that stamps them; the machine's own when left out.
 * @throws Error in production and when a port is taken.
 */
export async function startMailCatcher(
  options: { smtpPort?: number; httpPort?: number; stateFile?: string; now?: () => Date } = {},
): Promise<MailCatcher> {
  if (isProduction())
    throw new Error("The mail catcher is for development and tests. In production set SMTP_URL.");
  const store = await MailStore.open(options.stateFile, options.now);
  const smtp = createSmtpServer(store);
  const http = createServer((request, response) => {
    answer(store, request, response).catch(() =>
      send(response, 500, "text/plain", "The mail catcher failed."),
    );
  });
  const smtpPort = await listen(smtp.server, options.smtpPort ?? 0);
  const httpPort = await listen(http, options.httpPort ?? 0).catch(async (error: unknown) => {
    await closeSmtp(smtp);
    throw error;
  });
  return {
    smtpUrl: `smtp://${HOST}:${smtpPort}`,
    url: `http://localhost:${httpPort}`,
    close: async () => {
      http.closeAllConnections();
      await Promise.all([closeSmtp(smtp), new Promise((resolve) => http.close(resolve))]);
    },
  };
}

function createSmtpServer(store: MailStore): SMTPServer {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    closeTimeout: 100,
    onAuth: (_credentials, _session, done) => done(null, { user: "anyone" }),
    onData: (stream, session, done) => {
      const sender = session.envelope.mailFrom;
      const from = sender ? sender.address : "";
      const to = session.envelope.rcptTo.map((recipient) => recipient.address);
      buffer(stream)
        .then(async (raw) => {
          if (stream.sizeExceeded) throw Object.assign(new Error("Message too large"), { responseCode: 552 });
          await store.add(raw, { from, to });
        })
        .then(() => done(), done);
    },
  });
  // A client that hangs up is an "error" here, and one without a listener would end the process.
  smtp.on("error", () => undefined);
  return smtp;
}

async function answer(store: MailStore, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A foreign site that points its own name at 127.0.0.1 must not read sign-in links.
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  if (host !== "localhost" && host !== HOST)
    return send(response, 403, "text/plain", "Open this page as localhost.");
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/api/messages") return answerJson(store, request, url, response);
  if (request.method !== "GET") return send(response, 405, "text/plain", "Method not allowed.");
  if (url.pathname === "/") return sendPage(response, store);
  const [, id = "", part] = /^\/messages\/([\w-]+)(\/html)?$/.exec(url.pathname) ?? [];
  const mail = store.find(id);
  if (!mail) return send(response, 404, "text/plain", "There is no such message.");
  if (!part) return sendPage(response, store, id);
  const policy =
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'";
  send(response, 200, "text/html", `<base target="_blank">${mail.html}`, policy);
}

async function answerJson(store: MailStore, request: IncomingMessage, url: URL, response: ServerResponse) {
  if (request.method === "DELETE") {
    await store.clear();
    return send(response, 204, "application/json", "");
  }
  if (request.method !== "GET") return send(response, 405, "text/plain", "Method not allowed.");
  const limit = Number(url.searchParams.get("limit")) || undefined;
  const messages = store.list({ to: url.searchParams.get("to") ?? undefined, limit });
  send(response, 200, "application/json", JSON.stringify({ messages }));
}

function sendPage(response: ServerResponse, store: MailStore, openId?: string): void {
  const nonce = randomBytes(16).toString("base64");
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; frame-src 'self'; img-src data:`;
  send(
    response,
    200,
    "text/html",
    renderInbox(store.list(), nonce, openId ? store.find(openId) : undefined),
    policy,
  );
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  policy = "default-src 'none'",
) {
  response.writeHead(status, {
    "content-type": `${type}; charset=utf-8`,
    "content-security-policy": policy,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

async function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => resolve((server.address() as AddressInfo).port));
  });
}

async function closeSmtp(smtp: SMTPServer): Promise<void> {
  return new Promise((resolve) => smtp.close(() => resolve()));
}
