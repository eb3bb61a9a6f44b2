"use client";

import type { ReactNode } from "react";
import { UsageBar } from "@/components/usage-bar";
import { type CountedFeatureId, useQuota } from "./use-quota";

interface UsageMeterProps {
  feature: CountedFeatureId;
  /** A line below, such as when it resets. */
  note?: ReactNode;
}

/** How much of a feature is used; it moves with every call. Shows nothing when the plan doesn't know the feature. */
export function UsageMeter({ feature, note }: UsageMeterProps) {
  const meter = useQuota(feature);
  if (!meter) return null;
  return <UsageBar name={meter.name} used={meter.used} limit={meter.limit} unit={meter.unit} note={note} />;
}
