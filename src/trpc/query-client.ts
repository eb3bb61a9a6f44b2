import { defaultShouldDehydrateQuery, QueryClient } from "@tanstack/react-query";
import { isTRPCClientError } from "@trpc/client";
import superjson from "superjson";

const STALE_AFTER_MS = 15_000;
const MAX_RETRIES = 2;

/** One per request on the server, one per workspace in the browser. Started queries travel with the page. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: STALE_AFTER_MS, retry: shouldRetry },
      dehydrate: {
        serializeData: superjson.serialize,
        shouldDehydrateQuery: (query) =>
          defaultShouldDehydrateQuery(query) || query.state.status === "pending",
      },
      hydrate: { deserializeData: superjson.deserialize },
    },
  });
}

/** A refusal stays one; everything else (a lost connection, a query that broke off on the server) may pass. */
function shouldRetry(failures: number, error: unknown): boolean {
  const refused = isTRPCClientError(error) && statusOf(error.data) < 500;
  return !refused && failures < MAX_RETRIES;
}

function statusOf(data: unknown): number {
  const status = (data as { httpStatus?: unknown } | null | undefined)?.httpStatus;
  return typeof status === "number" ? status : 500;
}
