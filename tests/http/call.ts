import type { AnyTRPCRouter } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import superjson from "superjson";
import type { TenantCtx } from "@/server/context";
import { appRouter } from "@/server/root";

export interface Answer {
  status: number;
  headers: Headers;
  /** As it came. */
  body: string;
  data: unknown;
  error: {
    message: string;
    data: {
      code: string;
      appCode: string | null;
      advice: string | null;
      hint: string | null;
      denial: Record<string, unknown> | null;
    };
  } | null;
}

export type ProcedureType = "query" | "mutation" | "subscription";

/** One procedure over real HTTP semantics (headers, status, superjson), as a member of the ctx's tenant. */
export async function call(
  ctx: TenantCtx,
  path: string,
  input?: unknown,
  headers: Record<string, string> = {},
  router: AnyTRPCRouter = appRouter,
): Promise<Answer> {
  const type = procedureType(path, router);
  const body = JSON.stringify(superjson.serialize(input));
  const url = new URL(`http://app.test/api/trpc/${path}`);
  if (type === "query" && input !== undefined) url.searchParams.set("input", body);
  const request = new Request(url, {
    method: type === "query" ? "GET" : "POST",
    headers: { "content-type": "application/json", ...headers },
    body: type === "query" ? undefined : body,
  });
  const { tenant, ...rest } = ctx;
  const response = await fetchRequestHandler({
    endpoint: "/api/trpc",
    req: request,
    router,
    createContext: ({ resHeaders }) => ({
      ...rest,
      request: { headers: request.headers, resHeaders, workspace: tenant.slug },
    }),
  });
  const text = await response.text();
  const parsed = JSON.parse(text) as { result?: { data: never }; error?: never };
  return {
    status: response.status,
    headers: response.headers,
    body: text,
    data: parsed.result ? superjson.deserialize(parsed.result.data) : null,
    error: parsed.error ? superjson.deserialize(parsed.error) : null,
  };
}

export function procedureType(path: string, router: AnyTRPCRouter = appRouter): ProcedureType {
  const procedures = router._def.procedures as unknown as Record<string, { _def: { type: ProcedureType } }>;
  const procedure = procedures[path];
  if (!procedure) throw new Error(`There is no procedure ${path}.`);
  return procedure._def.type;
}
