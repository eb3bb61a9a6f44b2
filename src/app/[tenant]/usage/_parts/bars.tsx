"use client";

import { BarChart } from "@mantine/charts";
import { formatUnits } from "@/components/format";
import { type Day, dayLabel } from "./days";

interface BarsProps {
  days: Day[];
  /** Singular. */
  unit: string;
  height: number;
}

export function Bars({ days, unit, height }: BarsProps) {
  return (
    <BarChart
      h={height}
      data={days.map(({ day, units }) => ({ day: dayLabel(day), units }))}
      dataKey="day"
      series={[{ name: "units", label: "Used", color: "fern.6" }]}
      valueFormatter={(value) => formatUnits(value, unit)}
      yAxisProps={{ width: 56, allowDecimals: false, tickFormatter: compact }}
      xAxisProps={{ minTickGap: 28 }}
      gridAxis="x"
      barChartProps={{ margin: { top: 10 } }}
      tickLine="none"
      barProps={{ radius: [3, 3, 0, 0], isAnimationActive: false, maxBarSize: 36 }}
    />
  );
}

function compact(value: number): string {
  return value.toLocaleString("en-US", { notation: "compact" });
}
