import { desc, eq } from "drizzle-orm";
import type { Money } from "@/lib/money";
import type { Plan } from "@/lib/price-list";
import type { Ctx } from "../context";
import { canonicalJson, planDefinition } from "../plans/rules";
import { planVersions } from "../plans/tables";
import { pricesAtStripe } from "./prices";
import { type Interval, isSamePrice, wantedPrices } from "./rules";

export interface PlanComparison {
  planId: string;
  /** The version sold last; null for a plan that is new. */
  soldAs: string | null;
  /** The version that the list's words are or will be. */
  version: string;
  isNew: boolean;
  /** `limits.compute: 2000 → 3000`, against the version sold last. */
  changes: string[];
}

export interface PriceComparison {
  lookupKey: string;
  price: Money;
  interval: Interval | null;
  /** What a push would find at Stripe. */
  atStripe: "in place" | "missing" | "another amount";
}

/** How the price list differs from what was sold so far and from what Stripe knows. Writes nothing. */
export async function compareWithList(
  ctx: Ctx,
): Promise<{ plans: PlanComparison[]; prices: PriceComparison[] }> {
  const plans = await Promise.all(ctx.prices.plans.map((plan) => comparePlan(ctx, plan)));
  const versions = new Map(plans.map(({ planId, version }) => [planId, version]));
  const wanted = wantedPrices(ctx.prices, (planId) => versions.get(planId));
  const found = await pricesAtStripe(
    ctx,
    wanted.map(({ lookupKey }) => lookupKey),
  );
  const prices = wanted.map((price) => {
    const { lookupKey, amountMinor, currency, interval } = price;
    const known = found.get(lookupKey);
    const atStripe = !known ? "missing" : isSamePrice(known, price) ? "in place" : "another amount";
    return {
      lookupKey,
      price: { amountMinor: BigInt(amountMinor), currency },
      interval,
      atStripe,
    } satisfies PriceComparison;
  });
  return { plans, prices };
}

/** A plan of the list against the versions of it that were sold. */
export async function comparePlan(ctx: Ctx, plan: Plan): Promise<PlanComparison> {
  const rows = await ctx.db.orm
    .select()
    .from(planVersions)
    .where(eq(planVersions.planId, plan.id))
    .orderBy(desc(planVersions.version));
  const definition = planDefinition(ctx.prices, plan);
  const text = canonicalJson(definition);
  const same = rows.find((row) => canonicalJson(row.definition) === text);
  const last = rows[0];
  return {
    planId: plan.id,
    soldAs: last?.id ?? null,
    version: same?.id ?? `${plan.id}@${(last?.version ?? 0) + 1}`,
    isNew: same === undefined,
    changes: last && !same ? differences(last.definition, definition) : [],
  };
}

/** Every leaf that differs, by its path, one line each. */
export function differences(before: unknown, after: unknown, path = ""): string[] {
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(before[key], after[key], path ? `${path}.${key}` : key));
  }
  return canonicalJson(before ?? null) === canonicalJson(after ?? null)
    ? []
    : [`${path}: ${show(before)} → ${show(after)}`];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const show = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
