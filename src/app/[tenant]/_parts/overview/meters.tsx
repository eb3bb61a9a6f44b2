"use client";

import { SimpleGrid } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { formatDateTime } from "@/components/format";
import { Section } from "@/components/section";
import { UsageBar } from "@/components/usage-bar";
import { useTRPC } from "@/trpc/client";
import { metersFirst } from "../meter-order";
import { useWorkspace } from "../workspace-context";

export function Meters() {
  const trpc = useTRPC();
  const { timeZone } = useWorkspace();
  const { data } = useSuspenseQuery(trpc.quota.status.queryOptions());
  return (
    <Section title="Limits" description={`On the plan ${data.plan.name}. Times are in ${timeZone}.`}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing={40} verticalSpacing={28}>
        {metersFirst(data.meters).map((meter) => (
          <UsageBar
            key={meter.feature}
            name={meter.name}
            used={meter.used}
            limit={meter.limit}
            unit={meter.unit}
            note={noteOf(meter.kind, meter.resetsAt, timeZone)}
          />
        ))}
      </SimpleGrid>
    </Section>
  );
}

function noteOf(kind: "meter" | "level", resetsAt: Date | null, timeZone: string): string {
  if (kind === "level") return "Held at the same time";
  return resetsAt ? `Resets ${formatDateTime(resetsAt, timeZone)}` : "Never resets";
}
