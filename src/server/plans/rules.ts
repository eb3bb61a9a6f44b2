import type { Feature, Limit, Plan, PriceList, QuotaWindow } from "@/lib/price-list";
import { limitSize } from "@/lib/price-list";
import type { WindowUnit } from "@/lib/time";

/** What a plan version freezes: the plan, its limits, and what the features meant when it was sold. */
export interface PlanDefinition {
  plan: Plan;
  features: Readonly<Record<string, Feature>>;
  currency: string;
}

export interface PlanVersion {
  /** `pro@3`. */
  id: string;
  planId: string;
  version: number;
  definition: PlanDefinition;
}

export function planDefinition(list: PriceList, plan: Plan): PlanDefinition {
  return { plan, features: list.features, currency: list.currency };
}

/** The same words give the same text whatever the order they were written in, so versions compare by hash. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((k) => `${JSON.stringify(k)}:${canonicalJson((value as Record<string, unknown>)[k])}`).join(",")}}`;
}

/** A quota window in the terms of `periodAt`: a billing period is the subscription's month or year. */
export function windowUnit(window: QuotaWindow, interval: "month" | "year"): WindowUnit {
  return window === "billing_period" ? interval : window;
}

/** A limit as the ledger keeps it: units, or null for unlimited. A flag counts 0 or 1. */
export function limitUnits(limit: Limit | undefined): number | null {
  const size = limitSize(limit);
  return size === Number.POSITIVE_INFINITY ? null : size;
}
