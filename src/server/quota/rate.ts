import type { PooledFeature } from "@/lib/price-list";
import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import type { Breakdown } from "../ledger/breakdown";
import { effectiveLimit } from "../plans/live-overrides";
import type { PlanVersion } from "../plans/rules";
import { type Rates, ratesOf, weigh } from "./weigh";

/** What a call draws, and on which meter. */
export interface Rated {
  /** The meter or level to draw on. */
  feature: string;
  units: number;
  /** How the units came about; null for a meter or level that counts its own. */
  breakdown: Breakdown | null;
  /** The most of one call, in the meter's units; null: none; 0: not in the plan. */
  ceiling: number | null;
  /** The version that rated it; null for a meter or level. */
  planVersion: string | null;
}

interface Asked {
  feature: string;
  units?: number;
  costs?: Record<string, number>;
}

/**
 * What a call on a feature comes to, at the rates of the tenant's own plan version. `units: n` alone is the cost
 * called "units". A meter or level counts its own units: it comes back as it is, without a look at the database.
 * @throws AppError INVALID_INPUT for costs and units together, a cost without a rate, or costs of a plain meter
 */
export async function rateCosts(ctx: TenantCtx, asked: Asked): Promise<Rated> {
  const listed = Object.hasOwn(ctx.prices.features, asked.feature)
    ? ctx.prices.features[asked.feature]
    : undefined;
  if (listed?.kind !== "pooled") return plainUnits(asked);
  const costs = costsOf(asked, listed);
  const { limit, version } = await effectiveLimit(ctx, asked.feature);
  const known = version.definition.features[asked.feature];
  const sold = known?.kind === "pooled" ? known : listed;
  const rates = soldRates(ctx, asked.feature, { sold, listed, version });
  const { units, costs: shares } = weigh(rates, costs);
  return {
    feature: sold.meter,
    units,
    breakdown: { feature: asked.feature, base: rates.base, costs: shares, asked: costs },
    ceiling: limit,
    planVersion: version.id,
  };
}

function plainUnits({ feature, units, costs }: Asked): Rated {
  if (costs)
    throw new AppError("INVALID_INPUT", `"${feature}" counts its own units.`, {
      hint: "Costs are for features that draw on a shared meter; give units.",
    });
  return { feature, units: units ?? 1, breakdown: null, ceiling: null, planVersion: null };
}

function costsOf({ feature, units, costs }: Asked, listed: PooledFeature): Record<string, number> {
  if (costs && units !== undefined)
    throw new AppError("INVALID_INPUT", `"${feature}": give its units or its costs, not both.`);
  if (costs) return costs;
  if (units !== undefined) return { units };
  return Object.hasOwn(listed.weights, "units") ? { units: 1 } : {};
}

/**
 * The rates the tenant bought. A kind of cost that is newer than its plan version has today's rate: a call that names
 * it must neither fail for everyone who signed up earlier, nor be free.
 */
function soldRates(
  ctx: TenantCtx,
  feature: string,
  { sold, listed, version }: { sold: PooledFeature; listed: PooledFeature; version: PlanVersion },
): Rates {
  const { plan } = version.definition;
  const listedPlan = ctx.prices.plans.find(({ id }) => id === plan.id);
  const today = ratesOf(listed, listedPlan?.weights?.[feature]);
  const bought = ratesOf(sold, plan.weights?.[feature]);
  return { base: bought.base, weights: { ...today.weights, ...bought.weights } };
}
