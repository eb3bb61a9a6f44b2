import { dehydrate, HydrationBoundary } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { headers } from "next/headers";
import { cache, type ReactNode } from "react";
import { auth, currentUserId } from "@/server/auth";
import { requestCtx } from "@/server/request";
import { appRouter, createCaller } from "@/server/root";
import { runtime } from "@/server/runtime";
import { createQueryClient } from "./query-client";

/**
 * The API inside server components, once per request and workspace. `caller` gives data to the page itself;
 * `queries.prefetchQuery(trpc.….queryOptions())`, not awaited, sends it along to the client components.
 */
export const serverApi = cache(async (workspace: string | null) => {
  const userId = await currentUserId();
  const session = userId ? await auth() : null;
  const ctx = await requestCtx(runtime(), {
    headers: await callHeaders(workspace),
    resHeaders: new Headers(),
    userId,
  });
  const queries = createQueryClient();
  return {
    caller: createCaller(ctx),
    trpc: createTRPCOptionsProxy({ ctx, router: appRouter, queryClient: queries }),
    queries,
    now: ctx.now(),
    signedIn: userId !== null,
    email: session?.user?.email ?? null,
  };
});

/** Hands what was prefetched, finished or not, to the client components below. */
export async function Prefetched({ workspace, children }: { workspace: string; children: ReactNode }) {
  const { queries } = await serverApi(workspace);
  return <HydrationBoundary state={dehydrate(queries)}>{children}</HydrationBoundary>;
}

/** A page is asked for by a person: an API key that came along, or a workspace header, has no say here. */
async function callHeaders(workspace: string | null): Promise<Headers> {
  const given = new Headers(await headers());
  given.delete("authorization");
  given.delete("x-workspace");
  if (workspace !== null) given.set("x-workspace", workspace);
  return given;
}
