import superjson, { type SuperJSONResult } from "superjson";
import { TollgateError } from "./tollgate-error";
import type { Denial, ErrorCode } from "./wire";

export interface Connection {
  /** Where the app is, e.g. `https://app.example.com`. */
  url: string;
  /** Of the workspace, from its settings page. It belongs on servers: never send it to a browser. */
  apiKey: string;
  /** How long one attempt may take; 5,000 unless told. */
  timeoutMs?: number;
  /** Attempts in all, 1 to 10; 3 unless told. A repeated attempt is never charged again. */
  maxAttempts?: number;
  /** Another `fetch`, e.g. one that goes through a proxy. */
  fetch?: typeof fetch;
}

export interface Request {
  procedure: string;
  type: "query" | "mutation";
  input: unknown;
  signal?: AbortSignal;
}

const TIMEOUT_MS = 5_000;
const ATTEMPTS = 3;
const MAX_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * One procedure over HTTP. No answer in time, a broken connection and 5xx are tried again, after a pause that grows
 * and is random, so that clients don't return in step. Everything else is an answer.
 * @throws TollgateError; the signal's reason when the caller aborts
 */
export async function send(connection: Connection, request: Request): Promise<unknown> {
  const attempts = Math.min(Math.max(connection.maxAttempts ?? ATTEMPTS, 1), MAX_ATTEMPTS);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendOnce(connection, request);
    } catch (error) {
      request.signal?.throwIfAborted();
      if (attempt >= attempts || !(error instanceof TollgateError && error.undecided)) throw error;
    }
    await pause(attempt, request.signal);
  }
}

async function sendOnce(connection: Connection, request: Request): Promise<unknown> {
  const timeout = AbortSignal.timeout(connection.timeoutMs ?? TIMEOUT_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
  const [url, init] = toHttp(connection, request);
  let status: number;
  let text: string;
  try {
    const response = await (connection.fetch ?? fetch)(url, { ...init, signal });
    status = response.status;
    // An answer that breaks off half-way is no answer.
    text = await response.text();
  } catch (cause) {
    throw new TollgateError("UNREACHABLE", "Tollgate does not answer.", {
      hint: `${new URL(url).origin}: ${timeout.aborted ? "no answer in time" : reasonOf(cause)}`,
      cause,
    });
  }
  return read(status, text);
}

/** `fetch` says "fetch failed" of everything, and why beneath it. */
function reasonOf(cause: unknown): string {
  return String(cause instanceof Error && cause.cause ? cause.cause : cause);
}

function toHttp({ url, apiKey }: Connection, { procedure, type, input }: Request): [string, RequestInit] {
  const body = input === undefined ? undefined : superjson.stringify(input);
  const address = `${url.replace(/\/+$/, "")}/api/trpc/${procedure}`;
  const headers = { authorization: `Bearer ${apiKey}`, accept: "application/json" };
  if (type === "query") {
    const query = body === undefined ? "" : `?input=${encodeURIComponent(body)}`;
    return [address + query, { method: "GET", headers }];
  }
  return [address, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body }];
}

interface Failure {
  message: string;
  data: { appCode: ErrorCode | null; advice: string | null; hint: string | null; denial: Denial | null };
}

type Answer = { result: { data: SuperJSONResult } } | { error: SuperJSONResult };

function read(httpStatus: number, text: string): unknown {
  const answer = parse(text);
  if (!answer) throw unreadable(httpStatus);
  if ("result" in answer) return superjson.deserialize(answer.result.data);
  const { message, data } = superjson.deserialize<Failure>(answer.error);
  const code = data.appCode ?? codeOf(httpStatus);
  const { advice, hint, denial } = data;
  throw new TollgateError(code, message, { advice, hint, denial, httpStatus });
}

function unreadable(httpStatus: number): TollgateError {
  return new TollgateError(codeOf(httpStatus), `The answer (${httpStatus}) is not Tollgate's.`, {
    hint: "Is `url` the app's own address, without a path?",
    httpStatus,
  });
}

/** What stands before the app (a proxy, a load balancer) answers in its own words while the app is away. */
function codeOf(httpStatus: number): "UNREACHABLE" | "INVALID_INPUT" | "UNEXPECTED_ANSWER" {
  if (httpStatus >= 500) return "UNREACHABLE";
  return httpStatus === 400 ? "INVALID_INPUT" : "UNEXPECTED_ANSWER";
}

function parse(text: string): Answer | null {
  try {
    const value = JSON.parse(text) as { result?: { data?: unknown }; error?: { json?: unknown } } | null;
    return value?.result?.data || value?.error?.json ? (value as Answer) : null;
  } catch {
    return null;
  }
}

async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, (random / 2 ** 32) * longestMs);
    function done() {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    function abort() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
