import { useQueryClient } from "@tanstack/react-query";
import type { Outputs } from "@/server/root";
import { useTRPC } from "@/trpc/client";

/** For what changes the billing details: every answer is how they stand then. */
export function useDetails(then?: () => void) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  return {
    onSuccess: (details: Outputs["billing"]["details"]) => {
      queries.setQueryData(trpc.billing.details.queryKey(), details);
      then?.();
    },
  };
}
