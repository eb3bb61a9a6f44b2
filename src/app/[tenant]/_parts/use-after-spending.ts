"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useTRPC } from "@/trpc/client";

/** Everything that shows what was used is asked for anew; so is `list`, whose rows changed. */
export function useAfterSpending(list: "runs" | "channels") {
  const trpc = useTRPC();
  const queries = useQueryClient();
  return async () => {
    await Promise.all([
      queries.invalidateQueries(trpc[list].pathFilter()),
      queries.invalidateQueries(trpc.quota.pathFilter()),
      queries.invalidateQueries(trpc.credits.pathFilter()),
    ]);
  };
}
