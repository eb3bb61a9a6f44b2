"use client";

import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { formatUnits } from "@/components/format";
import { useTRPC } from "@/trpc/client";
import { RunOut } from "../../_parts/run-out";

/** What a call costs and how long the rest lasts, from the workspace's own history. Nothing without any. */
export function Pace({ feature, unit }: { feature: string; unit: string }) {
  const trpc = useTRPC();
  const { data } = useQuery(trpc.quota.estimate.queryOptions({ feature }));
  if (!data || data.p50Units === null || data.p95Units === null) return null;
  const { p50Units, p95Units, unitsPerDay } = data;
  return (
    <Text size="sm" c="dimmed" mt="md" component="div">
      Half of the calls cost {formatUnits(p50Units, unit)} or less, 95 of 100 at most{" "}
      {formatUnits(p95Units, unit)}.{" "}
      {unitsPerDay > 0 && `The pace is ${formatUnits(unitsPerDay, unit)} a day.`}
      <RunOut feature={feature} />
    </Text>
  );
}
