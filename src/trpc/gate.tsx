"use client";

import type { ReactNode } from "react";
import type { FeatureId } from "@/config/plans";
import { useFeature } from "./use-quota";

interface GateProps {
  feature: FeatureId;
  /** How much the inside would use; 1 unless told. */
  units?: number;
  /** Shown instead; nothing unless told. */
  fallback?: ReactNode;
  children: ReactNode;
}

/** Shows its inside to workspaces that may use the feature. It hides, it doesn't guard: the procedure's policy does. */
export function Gate({ feature, units, fallback = null, children }: GateProps) {
  const { allowed } = useFeature(feature, units);
  return allowed ? children : fallback;
}
