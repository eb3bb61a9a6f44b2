"use client";

import { Group, SegmentedControl, Select, Skeleton, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import dynamic from "next/dynamic";
import { useState } from "react";
import { FailureAlert } from "@/components/failure-alert";
import { formatUnits } from "@/components/format";
import { Section } from "@/components/section";
import { useTRPC } from "@/trpc/client";
import { fillDays } from "./days";
import { DEFAULT_DAYS } from "./inputs";

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
  const [feature, setFeature] = useState(firstFeature);
  const [days, setDays] = useState(DEFAULT_DAYS);
  const { data, error, refetch } = useQuery(
    trpc.quota.history.queryOptions({ feature, days }, { placeholderData: keepPreviousData }),
  );
  const chosen = features.find((one) => one.feature === feature);
  const filled = data ? fillDays(today, days, data) : null;
  const total = filled?.reduce((sum, { units }) => sum + units, 0) ?? 0;
  return (
    <Section
      title="Over time"
      description={filled && chosen ? `${formatUnits(total, chosen.unit)} in ${days} days` : "…"}
      actions={
        <Group gap="sm">
          <Select
            aria-label="Feature"
            w={160}
            size="xs"
            allowDeselect={false}
            value={feature}
            onChange={(value) => value && setFeature(value)}
            data={features.map((one) => ({ value: one.feature, label: one.name }))}
          />
          <SegmentedControl
            aria-label="Days shown"
            size="xs"
            value={String(days)}
            onChange={(value) => setDays(Number(value))}
            data={SPANS_DAYS.map((span) => ({ value: String(span), label: `${span} days` }))}
          />
        </Group>
      }
    >
      <FailureAlert error={error} retry={() => void refetch()} />
      {!error && filled && <Bars days={filled} unit={chosen?.unit ?? "unit"} height={CHART_HEIGHT} />}
      {!error && !filled && <Skeleton height={CHART_HEIGHT} />}
      {!error && filled && total === 0 && (
        <Text size="sm" c="dimmed" mt="sm">
          Nothing was used in these {days} days.
        </Text>
      )}
    </Section>
  );
}
