"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useTRPC } from "@/trpc/client";

/** Asks anew for everything that a change of plan changes. */
export function useBillingRefresh(): () => Promise<void> {
  const trpc = useTRPC();
  const queries = useQueryClient();
  return async () => {
    await Promise.all([
      queries.invalidateQueries(trpc.billing.pathFilter()),
      queries.invalidateQueries(trpc.quota.pathFilter()),
      queries.invalidateQueries(trpc.credits.pathFilter()),
    ]);
  };
}
