import { isFromOurPages, readCapped } from "@/lib/requests";
import { apiKeyIn } from "./request";

const MAX_BODY_BYTES = 262_144;
const MAX_DEPTH = 32;

const REFUSALS = {
  400: ["BAD_REQUEST", "The request's body is not valid."],
  403: ["FORBIDDEN", "Calls that go by cookie come from the app's own pages only. Use an API key."],
  413: ["PAYLOAD_TOO_LARGE", "The request's body is too large."],
  415: ["UNSUPPORTED_MEDIA_TYPE", "The request's body has to be application/json."],
} as const;

type Refusal = keyof typeof REFUSALS;

/**
 * What an API call must get past before anything reads it: sent by our own pages or with a key, JSON, small, flat.
 * Answers the request to go on with, its body read and checked, or the refusal in the shape of every other error.
 */
export async function guardRequest(request: Request, ownOrigin: string): Promise<Request | Response> {
  const { headers } = request;
  const isPost = request.method === "POST";
  if (apiKeyIn(headers) === null && !mayUseCookies(headers, isPost, ownOrigin)) return refusal(403);
  const query = new URL(request.url).searchParams.get("input");
  if (query !== null && !isHarmlessJson(query)) return refusal(400);
  if (!isPost) return request;
  if (!/^application\/json\s*(;|$)/i.test(headers.get("content-type") ?? "")) return refusal(415);
  const body = await readCapped(request, MAX_BODY_BYTES);
  if (body === null) return refusal(413);
  if (body !== "" && !isHarmlessJson(body)) return refusal(400);
  // With its signal: work that nobody waits for any more is to hear of it.
  const { signal } = request;
  return new Request(request.url, { method: "POST", headers, body: body === "" ? undefined : body, signal });
}

/** A read from elsewhere could not see its answer, but there is no reason to serve it either. */
function mayUseCookies(headers: Headers, isPost: boolean, ownOrigin: string): boolean {
  if (isPost) return isFromOurPages(headers, ownOrigin);
  return [null, "same-origin", "none"].includes(headers.get("sec-fetch-site"));
}

/** False for what is no JSON, is nested deeply (superjson recurses), or carries `__proto__`. */
function isHarmlessJson(text: string): boolean {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return false;
  }
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH || Object.hasOwn(value, "__proto__")) return false;
    for (const inner of Object.values(value)) open.push({ value: inner, depth: depth + 1 });
  }
  return true;
}

function refusal(httpStatus: Refusal): Response {
  const [code, message] = REFUSALS[httpStatus];
  const data = { code, httpStatus, path: null, appCode: null, advice: null, hint: null, denial: null };
  const headers = { "cache-control": "no-store" };
  // The number is JSON-RPC's "invalid request", where tRPC's clients look for one.
  return Response.json(
    { error: { json: { message, code: -32_600, data } } },
    { status: httpStatus, headers },
  );
}
