import type { WindowUnit } from "./time";

/** A quota window. `billing_period` follows the subscription (a month for plans that nobody pays for). */
export type QuotaWindow = WindowUnit | "billing_period";

/** What happens when a meter's allowance is used up. Credits are taken whole: `ceil(units × credits / perUnits)`. */
export type Overflow = { to: "deny" } | { to: "credits"; credits: number; perUnits: number };

interface FeatureText {
  name: string;
  /** What one unit is called, singular: "message". */
  unit?: string;
}

export type Feature = FeatureText &
  (
    | { kind: "flag" }
    | { kind: "cap" }
    | { kind: "level" }
    | { kind: "meter"; window: QuotaWindow; align: "calendar" | "anchored"; overflow: Overflow }
  );

/** A flag's limit is true or false; every other kind's is a whole number or "unlimited". */
export type Limit = boolean | number | "unlimited";

export type Price =
  | { kind: "free" }
  /** Minor units of the list's currency. */
  | { kind: "recurring"; monthlyMinor: number; annualMinor: number | null }
  /** Sold by people: no checkout. */
  | { kind: "contact" };

export interface Plan {
  id: string;
  name: string;
  tagline: string;
  price: Price;
  limits: Readonly<Record<string, Limit>>;
}

export interface CreditPack {
  id: string;
  name: string;
  credits: number;
  priceMinor: number;
  /** Days until the credits expire; null: never. */
  expiresAfterDays: number | null;
}

/** A business as data. The engine takes it from `ctx.prices`, so a test can bring another one. */
export interface PriceList {
  /** ISO 4217, lower case. */
  currency: string;
  features: Readonly<Record<string, Feature>>;
  /** Cheapest first: the order in which an upgrade is proposed. */
  plans: readonly Plan[];
  packs: readonly CreditPack[];
  /** The plan of a new tenant, and of one whose subscription ended. */
  defaultPlan: string;
}

/** What the compiler checks in `config/plans.ts`: every plan states every feature, with the right kind of limit. */
export interface PriceListInput<F extends Record<string, Feature>, P extends string> extends PriceList {
  features: F;
  plans: readonly (Plan & {
    id: P;
    limits: { [K in keyof F]: F[K]["kind"] extends "flag" ? boolean : number | "unlimited" };
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

/** Every problem of a list, in words a builder can act on. Also for lists that come from JSON. */
export function priceListProblems(list: PriceList): string[] {
  return [
    ...headProblems(list),
    ...Object.entries(list.features).flatMap(([id, feature]) => featureProblems(id, feature)),
    ...list.plans.flatMap((plan) => planProblems(list, plan)),
    ...tierProblems(list),
    ...list.packs.flatMap(packProblems),
  ];
}

const ID = /^[a-z][a-z0-9_]{0,39}$/;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isPositive = (value: unknown) => isCount(value) && value > 0;

function headProblems(list: PriceList): string[] {
  const planIds = list.plans.map((plan) => plan.id);
  const packIds = list.packs.map((pack) => pack.id);
  const duplicates = [...planIds, ...packIds].filter((id, at, all) => all.indexOf(id) !== at);
  return [
    ...(/^[a-z]{3}$/.test(list.currency)
      ? []
      : [`currency "${list.currency}" is not a lower-case ISO 4217 code`]),
    ...(planIds.includes(list.defaultPlan)
      ? []
      : [`defaultPlan "${list.defaultPlan}" is not one of the plans`]),
    ...list.plans
      .filter((p) => p.id === list.defaultPlan && p.price.kind !== "free")
      .map((p) => `defaultPlan "${p.id}" must be free: a new tenant has not paid`),
    ...duplicates.map((id) => `id "${id}" is used twice among plans and packs`),
    ...[...planIds, ...packIds, ...Object.keys(list.features)]
      .filter((id) => !ID.test(id))
      .map((id) => `id "${id}" must be lower-case letters, digits and _, up to 40`),
    ...("credits" in list.features ? ['feature id "credits" is taken by the ledger'] : []),
  ];
}

function featureProblems(id: string, feature: Feature): string[] {
  if (feature.kind !== "meter" || feature.overflow.to !== "credits") return [];
  const { credits, perUnits } = feature.overflow;
  if (isPositive(credits) && isPositive(perUnits)) return [];
  return [`meter "${id}": overflow wants whole numbers above 0 for credits and perUnits`];
}

function planProblems(list: PriceList, plan: Plan): string[] {
  const unknown = Object.keys(plan.limits).filter((id) => !(id in list.features));
  const missing = Object.keys(list.features).filter((id) => !(id in plan.limits));
  return [
    ...unknown.map((id) => `plan "${plan.id}" limits "${id}", which is not a feature`),
    ...missing.map((id) => `plan "${plan.id}" has a gap: it says nothing about "${id}"`),
    ...Object.entries(list.features).flatMap(([id, feature]) =>
      limitProblems(plan, id, feature, plan.limits[id]),
    ),
    ...priceProblems(plan),
  ];
}

function limitProblems(plan: Plan, id: string, feature: Feature, limit: Limit | undefined): string[] {
  if (limit === undefined) return [];
  const where = `plan "${plan.id}", feature "${id}"`;
  if (feature.kind === "flag")
    return typeof limit === "boolean" ? [] : [`${where}: a flag is true or false, not the limit ${limit}`];
  if (limit === "unlimited" || isCount(limit)) return [];
  return [
    `${where}: a ${feature.kind} wants a whole number of 0 or more, or "unlimited", not ${JSON.stringify(limit)}`,
  ];
}

function priceProblems(plan: Plan): string[] {
  if (plan.price.kind !== "recurring") return [];
  const { monthlyMinor, annualMinor } = plan.price;
  const ok = isPositive(monthlyMinor) && (annualMinor === null || isPositive(annualMinor));
  return ok ? [] : [`plan "${plan.id}": prices are whole minor units above 0`];
}

/** A dearer tier that gives less of something leaves a gap in the ladder: nobody could be told what to buy. */
function tierProblems(list: PriceList): string[] {
  return list.plans.slice(1).flatMap((plan, index) => {
    const below = list.plans[index];
    if (!below) return [];
    return Object.keys(list.features)
      .filter((id) => limitSize(plan.limits[id]) < limitSize(below.limits[id]))
      .map((id) => `plan "${plan.id}" gives less "${id}" than "${below.id}" below it: a gap between tiers`);
  });
}

/** Limits on one scale: off 0, on 1, unlimited infinite. */
export function limitSize(limit: Limit | undefined): number {
  if (limit === undefined || limit === false) return 0;
  if (limit === true) return 1;
  return limit === "unlimited" ? Number.POSITIVE_INFINITY : limit;
}

function packProblems(pack: CreditPack): string[] {
  const ok =
    isPositive(pack.credits) &&
    isPositive(pack.priceMinor) &&
    (pack.expiresAfterDays === null || isPositive(pack.expiresAfterDays));
  return ok ? [] : [`pack "${pack.id}": credits, priceMinor and expiresAfterDays are whole numbers above 0`];
}
