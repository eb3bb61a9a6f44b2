"use client";

import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { formatDate, formatDateTime } from "@/components/format";
import { useTRPC } from "@/trpc/client";
import { useWorkspace } from "./workspace-context";

/** Nearer than this, the hour matters. */
const SOON_MS = 2 * 86_400_000;

/** "At this pace you run out on …": when a meter has nothing left before it resets. Says nothing when it lasts. */
export function RunOut({ feature }: { feature: string }) {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data, dataUpdatedAt } = useQuery(trpc.quota.estimate.queryOptions({ feature }));
  if (!data?.runsOutAt || !data.runsOutBeforeReset) return null;
  const soon = data.runsOutAt.getTime() - dataUpdatedAt < SOON_MS;
  const at = soon ? formatDateTime(data.runsOutAt, timeZone) : formatDate(data.runsOutAt, timeZone);
  return (
    <Text inherit span display="block" mt={2} fw={550} c="var(--mantine-color-text)">
      At this pace you run out on {at}
    </Text>
  );
}
