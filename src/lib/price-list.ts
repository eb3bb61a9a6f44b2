import { priceListProblems } from "./price-list-problems";
import type { Feature, MeterCaps, Plan, PooledRates, PriceList, Weight } from "./price-list-shape";

export * from "./price-list-shape";

type IdsOf<F, Kind extends Feature["kind"]> = {
  [K in keyof F]: F[K] extends { kind: Kind } ? K : never;
}[keyof F];

/** A plan names only costs that the feature knows. */
type RatesOf<P> = P extends { weights: infer W }
  ? Omit<PooledRates, "weights"> & { weights?: { readonly [C in keyof W]?: Weight } }
  : never;

/**
 * What the compiler checks in `config/plans.ts`: every plan states every feature with the right kind of limit, caps
 * are of meters, weights of pooled features, and a pooled feature names a meter of this list.
 */
export interface PriceListInput<F extends Record<string, Feature>, P extends string> extends PriceList {
  features: F & { [K in IdsOf<F, "pooled">]: { meter: IdsOf<F, "meter"> } };
  plans: readonly (Omit<Plan, "limits" | "caps" | "weights"> & {
    id: P;
    limits: { readonly [K in keyof F]: F[K]["kind"] extends "flag" ? boolean : number | "unlimited" };
    caps?: { readonly [K in IdsOf<F, "meter">]?: MeterCaps };
    weights?: { readonly [K in IdsOf<F, "pooled">]?: RatesOf<F[K]> };
  })[];
  defaultPlan: NoInfer<P>;
}

export class PriceListError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The price list has ${problems.length} problem(s):\n${problems.map((p) => `  - ${p}`).join("\n")}`);
    this.name = "PriceListError";
    this.problems = problems;
  }
}

/**
 * Declares a price list. Ids become types; the rest is checked when the app starts.
 * @throws PriceListError naming every problem at once
 */
export function definePriceList<const F extends Record<string, Feature>, const P extends string>(
  list: PriceListInput<F, P>,
): PriceListInput<F, P> {
  const problems = priceListProblems(list);
  if (problems.length > 0) throw new PriceListError(problems);
  return list;
}
