import superjson from "superjson";
import { answerApiRequest } from "@/app/api/trpc/[trpc]/answer";
import type { Runtime, TenantCtx } from "@/server/context";

export const ORIGIN = "http://app.test";

export interface ApiError {
  message: string;
  data: {
    code: string;
    httpStatus: number;
    appCode: string | null;
    advice: string | null;
    hint: string | null;
  };
}

/** The API as the route serves it. The cookie `user=<id>` stands for a session. */
export function api(runtime: Runtime) {
  const send = (request: Request) =>
    answerApiRequest(runtime, request, async (headers) => cookieUser(headers));
  return {
    send,
    get: (path: string, headers: Record<string, string> = {}, input?: unknown) => {
      const query = input === undefined ? "" : `?input=${encodeURIComponent(wire(input))}`;
      return send(new Request(`${ORIGIN}/api/trpc/${path}${query}`, { headers }));
    },
    post: (path: string, headers: Record<string, string> = {}, input?: unknown) =>
      send(
        new Request(`${ORIGIN}/api/trpc/${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: input === undefined ? undefined : wire(input),
        }),
      ),
  };
}

export const wire = (input: unknown) => JSON.stringify(superjson.serialize(input));

/** Headers of a member's browser on one of our pages, in the ctx's workspace. */
export function member(ctx: TenantCtx): Record<string, string> {
  if (ctx.actor.kind !== "user") throw new Error("Not a person.");
  return { cookie: `user=${ctx.actor.userId}`, origin: ORIGIN, "x-workspace": ctx.tenant.slug };
}

export async function errorOf(response: Response): Promise<ApiError | null> {
  const body = (await response.json()) as { error?: { json: ApiError } };
  return body.error?.json ?? null;
}

export async function dataOf(response: Response): Promise<unknown> {
  const body = (await response.json()) as { result?: { data: never } };
  return body.result ? superjson.deserialize(body.result.data) : null;
}

function cookieUser(headers: Headers): string | null {
  return /(?:^|; )user=([^;]+)/.exec(headers.get("cookie") ?? "")?.[1] ?? null;
}
