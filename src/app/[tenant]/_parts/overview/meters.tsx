"use client";

import { SimpleGrid } from "@mantine/core";
import { Section } from "@/components/section";
import { UsageBar } from "@/components/usage-bar";
import { useQuota } from "@/trpc/use-quota";
import { MeterNote } from "../meter-note";
import { metersFirst } from "../meter-order";
import { useWorkspace } from "../workspace-context";

export function Meters() {
  const { timeZone } = useWorkspace();
  const { plan, meters, currency } = useQuota();
  return (
    <Section title="Limits" description={`On the plan ${plan.name}. Times are in ${timeZone}.`}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing={40} verticalSpacing={28}>
        {metersFirst(meters).map((meter) => (
          <UsageBar
            key={meter.feature}
            name={meter.name}
            used={meter.used}
            limit={meter.limit}
            unit={meter.unit}
            note={<MeterNote meter={meter} currency={currency} />}
          />
        ))}
      </SimpleGrid>
    </Section>
  );
}
