"use client";

import { useSuspenseQuery } from "@tanstack/react-query";
import type { FeatureId, prices } from "@/config/plans";
import type { Outputs } from "@/server/root";
import { useTRPC } from "./client";
import { type FeatureStanding, featureStanding } from "./feature-standing";

type Status = Outputs["quota"]["status"];
type Meter = Status["meters"][number];
type Features = typeof prices.features;

/** Features that are counted: everything but flags, caps and those that draw on another's meter. */
export type CountedFeatureId = {
  [Id in FeatureId]: Features[Id]["kind"] extends "meter" | "level" | "lease" ? Id : never;
}[FeatureId];

/**
 * What the workspace has and how much of it is used. Moves with every call made through `useTRPC`: its answer says
 * what is left. The page prefetches `quota.status`, as for every query that is read while rendering.
 * @returns with a feature: its meter, or null when the workspace's plan doesn't know it
 */
export function useQuota(): Status;
export function useQuota(feature: CountedFeatureId): Meter | null;
export function useQuota(feature?: CountedFeatureId): Status | Meter | null {
  const { data } = useSuspenseQuery(useTRPC().quota.status.queryOptions());
  if (feature === undefined) return data;
  return data.meters.find((meter) => meter.feature === feature) ?? null;
}

/**
 * Whether `units` of a feature of any kind would be let through now, and why not. For showing and hiding things: the
 * gate on the server decides. Moves like {@link useQuota}.
 */
export function useFeature(feature: FeatureId, units = 1): FeatureStanding {
  return featureStanding(useQuota(), feature, units);
}
