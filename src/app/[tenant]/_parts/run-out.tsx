"use client";

import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { formatDate, formatDateTime } from "@/components/format";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "./workspace-context";

const DAY_MS = 86_400_000;

/** "At this pace you run out on …": when a meter has nothing left before it resets. Says nothing when it lasts. */
export function RunOut({ feature }: { feature: string }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data } = useQuery(trpc.quota.estimate.queryOptions({ feature }));
  if (!data?.runsOutAt || !data.runsOutBeforeReset || !data.resetsAt) return null;
  const soon = data.resetsAt.getTime() - data.windowStartsAt.getTime() <= 2 * DAY_MS;
  const at = soon ? formatDateTime(data.runsOutAt, timeZone) : formatDate(data.runsOutAt, timeZone);
  return (
    <Text inherit span display="block" mt={2} fw={550} c="var(--mantine-color-text)">
      At this pace you run out on {at}
    </Text>
  );
}
