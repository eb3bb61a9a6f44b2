"use client";

import { Group, SegmentedControl, Select, Skeleton, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import { useDeferredValue, useState } from "react";
import { formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { fillDays } from "./days";
import { DEFAULT_DAYS } from "./inputs";
import { Pace } from "./pace";

const CHART_HEIGHT = 280;
const SPANS_DAYS = [7, 30, 90];

/** The chart library is larger than the rest of the page: it comes when the page is there. */
const Bars = dynamic(() => import("./bars").then(({ Bars }) => Bars), {
  ssr: false,
  loading: () => <Skeleton height={CHART_HEIGHT} />,
});

interface UsageChartProps {
  features: { feature: string; name: string; unit: string }[];
  firstFeature: string;
  /** The calendar day where the workspace is. */
  today: string;
}

export function UsageChart({ features, firstFeature, today }: UsageChartProps) {
  const trpc = useTRPC();
  const [wanted, setWanted] = useState({ feature: firstFeature, days: DEFAULT_DAYS });
  // The old bars stay until the new ones are there.
  const shown = useDeferredValue(wanted);
  const { data } = useSuspenseQuery(trpc.quota.history.queryOptions(shown));
  const unit = features.find(({ feature }) => feature === shown.feature)?.unit ?? "unit";
  const days = fillDays(today, shown.days, data);
  const total = days.reduce((sum, { units }) => sum + units, 0);
  return (
    <Section
      title="Over time"
      description={`${formatUnits(total, unit)} in ${shown.days} days`}
      actions={
        <Group gap="sm">
          <Select
            aria-label="Feature"
            w={160}
            size="xs"
            allowDeselect={false}
            value={wanted.feature}
            onChange={(feature) => feature && setWanted({ ...wanted, feature })}
            data={features.map(({ feature, name }) => ({ value: feature, label: name }))}
          />
          <SegmentedControl
            aria-label="Days shown"
            size="xs"
            value={String(wanted.days)}
            onChange={(span) => setWanted({ ...wanted, days: Number(span) })}
            data={SPANS_DAYS.map((span) => ({ value: String(span), label: `${span} days` }))}
          />
        </Group>
      }
    >
      <Bars days={days} unit={unit} height={CHART_HEIGHT} />
      {total === 0 && (
        <Text size="sm" c="dimmed" mt="sm">
          Nothing was used in these {shown.days} days.
        </Text>
      )}
      <Pace feature={shown.feature} unit={unit} />
    </Section>
  );
}
