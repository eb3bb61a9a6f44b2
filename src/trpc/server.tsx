import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { headers } from "next/headers";
import { cache, type ReactNode } from "react";
import { auth } from "@/server/auth";
import { requestCtx } from "@/server/request";
import { appRouter, createCaller } from "@/server/root";
import { runtime } from "@/server/runtime";
import { createQueryClient } from "./query-client";

/** However many parts of a page want to know who asks, the session is looked up once. */
const currentSession = cache(() => auth());

/**
 * The API inside server components, once per request and workspace. `caller` gives data to the page itself;
 * `queries.prefetchQuery(trpc.….queryOptions())`, not awaited, sends it along to the client components.
 */
export const serverApi = cache(async (workspace: string | null) => {
  const session = await currentSession();
  const ctx = await requestCtx(runtime(), {
    headers: await personsHeaders(),
    userId: session?.user.id ?? null,
    workspace: workspace ?? undefined,
  });
  const queries = createQueryClient();
  return {
    ctx,
    caller: createCaller(ctx),
    trpc: createTRPCOptionsProxy({ ctx, router: appRouter, queryClient: queries }),
    queries,
    person: session?.user ?? null,
  };
});

/** Hands what was prefetched, finished or not, to the client components below. */
export async function Prefetched({ workspace, children }: { workspace: string; children: ReactNode }) {
  const { queries } = await serverApi(workspace);
  return <HydrationBoundary state={dehydrate(queries)}>{children}</HydrationBoundary>;
}

/** A page is asked for by a person: an API key or a workspace header that came along has no say here. */
async function personsHeaders(): Promise<Headers> {
  const given = new Headers(await headers());
  given.delete("authorization");
  given.delete("x-workspace");
  return given;
}
