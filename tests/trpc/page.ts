import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { STANDINGS_HEADER } from "@/lib/standings";
import type { TenantCtx } from "@/server/context";
import { type Told, tellStanding } from "@/server/guard/standing";
import { type QuotaStatus, status } from "@/server/quota/status";
import { followStandings } from "@/trpc/follow-standings";

const statusKey = ["quota", "status"];

/** A browser's page that shows the limits: it knows what it asked for and what answers said, nothing else. */
export async function openPage(ctx: TenantCtx) {
  let asked = 0;
  const queries = new QueryClient();
  const queryFn = () => {
    asked += 1;
    return status(ctx);
  };
  const looking = new QueryObserver<QuotaStatus>(queries, {
    queryKey: statusKey,
    queryFn,
    staleTime: Infinity,
  });
  const close = looking.subscribe(() => {});
  const follow = followStandings({ queries, statusKey, stale: [], staleByLots: [] });
  const settled = () => settledQuery(looking);
  await settled();
  return {
    /** An answer of the API arrives, with the headers that the server would give it. */
    async answered(told: Told): Promise<void> {
      const resHeaders = new Headers();
      tellStanding({ now: ctx.now, request: { resHeaders } }, told);
      if (resHeaders.has(STANDINGS_HEADER)) follow(resHeaders);
      await settled();
    },
    async reload(): Promise<void> {
      await looking.refetch();
    },
    known: () => looking.getCurrentResult().data!,
    /** How often the status was asked for. */
    asked: () => asked,
    close,
  };
}

function settledQuery(looking: QueryObserver<QuotaStatus>): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const { isFetching, data } = looking.getCurrentResult();
      if (!isFetching && data) resolve();
      else setImmediate(look);
    };
    look();
  });
}
