import { verifyApiKey } from "./accounts/api-keys";
import type { Actor, Runtime } from "./context";
import { createCtx } from "./context";
import type { RequestCtx } from "./trpc";

/** What is told of a request, by HTTP or by a server component. */
export interface Incoming {
  headers: Headers;
  /** Where the answer's headers go; left out where nobody reads them. */
  resHeaders?: Headers;
  /** Whom the session cookie names, proven; null for nobody. Does not count beside an API key. */
  userId: string | null;
  /** A server component names the workspace by its route; otherwise the `x-workspace` header does. */
  workspace?: string;
}

/**
 * A request as the ctx of its procedures. An API key names its tenant; without one the cookie names a person. A
 * key that is not valid makes the request nobody's, never the cookie's: two credentials must not be mixed up.
 */
export async function requestCtx(runtime: Runtime, incoming: Incoming): Promise<RequestCtx> {
  const { headers, userId } = incoming;
  const request = {
    headers,
    resHeaders: incoming.resHeaders ?? new Headers(),
    workspace: incoming.workspace ?? (headers.get("x-workspace") || null),
  };
  const presented = apiKeyIn(headers);
  if (presented === null) {
    const actor: Actor = userId === null ? { kind: "anonymous" } : { kind: "user", userId };
    return { ...createCtx(runtime, actor), request };
  }
  const anonymous = createCtx(runtime, { kind: "anonymous" });
  const key = await verifyApiKey(anonymous, presented);
  if (!key) return { ...anonymous, request };
  const actor: Actor = { kind: "apiKey", apiKeyId: key.apiKeyId };
  return { ...createCtx(runtime, actor), tenant: key.tenant, request };
}

/** The bearer credential, or null when the request brings none. Any other `Authorization` is an invalid key. */
export function apiKeyIn(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization === null) return null;
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
}
