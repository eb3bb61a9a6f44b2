import type { PooledFeature, PooledRates, Weight } from "@/lib/price-list";
import { AppError } from "../errors";

/** What one plan charges for a feature that draws on a shared meter. */
export interface Rates {
  base: number;
  weights: Readonly<Record<string, Weight>>;
}

/** The feature's rates with what the plan changes of them. */
export function ratesOf(feature: PooledFeature, plan: PooledRates | undefined): Rates {
  return {
    base: plan?.base ?? feature.base,
    weights: { ...feature.weights, ...plan?.weights },
  };
}

/** Units of the shared meter: all of them, and what each cost has in them (together: all but the base). */
export interface Weighed {
  units: number;
  costs: Record<string, number>;
}

/**
 * `base + ceil(Σ cost × units / per)`, exactly: fractions are added up as they are and rounded once. Each cost then
 * gets its whole units, and those with the largest rest one more, so that the parts sum to what is charged.
 * @throws AppError INVALID_INPUT for a cost without a rate, or more units than a number holds
 */
export function weigh(rates: Rates, costs: Readonly<Record<string, number>>): Weighed {
  const parts = Object.entries(costs).map(([name, amount]) => part(rates, name, amount));
  const total = roundedUp(parts);
  const units = BigInt(rates.base) + total;
  if (units > Number.MAX_SAFE_INTEGER)
    throw new AppError("INVALID_INPUT", "These costs come to more units than can be counted.");
  let left = total - parts.reduce((sum, { whole }) => sum + whole, 0n);
  const shares = new Map(parts.map(({ name, whole }) => [name, Number(whole)]));
  for (const { name, whole } of parts.toSorted(byRest)) {
    if (left === 0n) break;
    shares.set(name, Number(whole + 1n));
    left -= 1n;
  }
  return { units: Number(units), costs: Object.fromEntries(shares) };
}

interface Part {
  name: string;
  whole: bigint;
  rest: bigint;
  per: bigint;
}

function part(rates: Rates, name: string, amount: number): Part {
  const weight = Object.hasOwn(rates.weights, name) ? rates.weights[name] : undefined;
  if (!weight)
    throw new AppError("INVALID_INPUT", `There is no cost called "${name}" here.`, {
      hint: `Known: ${Object.keys(rates.weights).join(", ") || "none, only the base is charged"}.`,
    });
  const per = BigInt(weight.per);
  const exact = BigInt(amount) * BigInt(weight.units);
  return { name, whole: exact / per, rest: exact % per, per };
}

function roundedUp(parts: readonly Part[]): bigint {
  let [whole, rest, per] = [0n, 0n, 1n];
  for (const part of parts) {
    whole += part.whole;
    rest = rest * part.per + part.rest * per;
    per *= part.per;
  }
  return whole + (rest + per - 1n) / per;
}

/** The largest rest first; names settle a tie, so that the same costs always come apart the same way. */
function byRest(a: Part, b: Part): number {
  const [left, right] = [a.rest * b.per, b.rest * a.per];
  if (left !== right) return left > right ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
