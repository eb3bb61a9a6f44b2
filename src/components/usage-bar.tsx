"use client";

import { Group, Progress, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { formatCount, formatLimit, formatUnits } from "./format";

const WARN_PERCENT = 80;
const FULL_PERCENT = 100;

interface UsageBarProps {
  name: string;
  used: number;
  /** null: unlimited. */
  limit: number | null;
  /** Singular. */
  unit: string;
  /** A line below, such as when it resets. */
  note?: ReactNode;
}

/** How much of a limit is used: amber from 80 %, red at 100 %. */
export function UsageBar({ name, used, limit, unit, note }: UsageBarProps) {
  const percent = percentOf(used, limit);
  const text =
    limit === null
      ? `${formatUnits(used, unit)} used`
      : `${formatUnits(used, unit)} of ${formatUnits(limit, unit)}`;
  return (
    <Stack gap={8}>
      <Group justify="space-between" gap="xs" wrap="nowrap" align="baseline">
        <Text fw={550} size="sm">
          {name}
        </Text>
        <Text size="sm" className="figures" ta="right">
          <Text span fw={600} inherit>
            {unit === "byte" ? formatUnits(used, unit) : formatCount(used)}
          </Text>
          <Text span c="dimmed" inherit>
            {" / "}
            {formatLimit(limit, unit)}
          </Text>
        </Text>
      </Group>
      <Progress.Root size={6} radius="xl">
        <Progress.Section value={percent} color={colorOf(percent)} aria-label={`${name}: ${text}`} />
      </Progress.Root>
      {note && (
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      )}
    </Stack>
  );
}

function percentOf(used: number, limit: number | null): number {
  if (limit === null) return 0;
  return limit === 0 ? FULL_PERCENT : Math.min(FULL_PERCENT, Math.floor((used / limit) * 100));
}

function colorOf(percent: number): string {
  if (percent >= FULL_PERCENT) return "red.7";
  return percent >= WARN_PERCENT ? "yellow.6" : "fern.6";
}
