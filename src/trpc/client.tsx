"use client";

import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { createTRPCContext, createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { type ReactNode, useState } from "react";
import superjson from "superjson";
import type { AppRouter } from "@/server/root";
import { followStandings } from "./follow-standings";
import { createQueryClient } from "./query-client";

const { TRPCProvider, useTRPC } = createTRPCContext<AppRouter>();

export { useTRPC };

/** What one workspace loaded is never shown in another. */
const browserClients = new Map<string, QueryClient>();

function queryClientOf(workspace: string): QueryClient {
  if (typeof window === "undefined") return createQueryClient();
  let client = browserClients.get(workspace);
  if (!client) {
    client = createQueryClient();
    browserClients.set(workspace, client);
  }
  return client;
}

/** Before somebody signs out: nothing that was loaded for them stays for the next one. */
export function forgetQueries(): void {
  browserClients.clear();
}

/** What is for sale changes with a deployment, not while somebody looks at it. */
const OFFERS_STALE_AFTER_MS = 60 * 60_000;

/** Batched, not streamed: the answer's headers, which say what is left, are only known once the calls are done. */
function createApiClient(workspace: string, queries: QueryClient) {
  const client = createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: "/api/trpc",
        transformer: superjson,
        headers: { "x-workspace": workspace },
        fetch: async (url, init) => {
          const response = await fetch(url, init as RequestInit);
          follow(response.headers);
          return response;
        },
      }),
    ],
  });
  const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient: queries });
  queries.setQueryDefaults(trpc.billing.plans.queryKey(), { staleTime: OFFERS_STALE_AFTER_MS });
  const follow = followStandings({
    queries,
    statusKey: trpc.quota.status.queryKey(),
    stale: [
      trpc.quota.history.pathFilter(),
      trpc.quota.estimate.pathFilter(),
      trpc.credits.ledger.pathFilter(),
    ],
    staleByLots: [
      trpc.credits.balance.pathFilter(),
      trpc.credits.history.pathFilter(),
      trpc.credits.statement.pathFilter(),
      trpc.credits.lifetime.pathFilter(),
    ],
  });
  return client;
}

/** The API of one workspace for everything below. Give it `key={workspace}`. */
export function ApiProvider({ workspace, children }: { workspace: string; children: ReactNode }) {
  const [queryClient] = useState(() => queryClientOf(workspace));
  const [trpcClient] = useState(() => createApiClient(workspace, queryClient));
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  );
}
