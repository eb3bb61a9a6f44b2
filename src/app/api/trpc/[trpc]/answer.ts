import type { AnyTRPCRouter } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { logError } from "@/lib/log";
import type { Runtime } from "@/server/context";
import { apiKeyIn, requestCtx } from "@/server/request";
import { guardRequest } from "@/server/request-guard";
import { appRouter } from "@/server/root";

const MAX_CALLS_PER_REQUEST = 10;

/**
 * Answers one HTTP request to the API, with up to ten calls in it.
 * @param router another than the app's own, for tests
 */
export async function answerApiRequest(
  runtime: Runtime,
  request: Request,
  userIdOf: (headers: Headers) => Promise<string | null>,
  router: AnyTRPCRouter = appRouter,
): Promise<Response> {
  const guarded = await guardRequest(request, runtime.appUrl);
  if (guarded instanceof Response) return guarded;
  return fetchRequestHandler({
    endpoint: "/api/trpc",
    req: guarded,
    router,
    maxBatchSize: MAX_CALLS_PER_REQUEST,
    createContext: async ({ resHeaders }) => {
      const { headers } = guarded;
      const userId = apiKeyIn(headers) === null ? await userIdOf(headers) : null;
      return requestCtx(runtime, { headers, resHeaders, userId });
    },
    responseMeta: () => ({ headers: new Headers({ "cache-control": "no-store" }) }),
    onError: ({ error, path }) => {
      if (error.code === "INTERNAL_SERVER_ERROR") logError(`api ${path ?? ""}`, error);
    },
  });
}
