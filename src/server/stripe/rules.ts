import type Stripe from "stripe";
import type { CreditPack, Plan, PriceList } from "@/lib/price-list";

export type Interval = "month" | "year";
export const INTERVALS: readonly Interval[] = ["month", "year"];

/** The name under which Stripe keeps the price of a plan version: `pro@1:month`. */
export function planLookupKey(planVersionId: string, interval: Interval): string {
  return `${planVersionId}:${interval}`;
}

/** A pack's price is part of its name, because packs have no versions: `pack:credits_100:500:usd`. */
export function packLookupKey(pack: CreditPack, currency: string): string {
  return `pack:${pack.id}:${pack.priceMinor}:${currency}`;
}

/** The plan version and interval behind a lookup key; null when it isn't a plan's. */
export function planOfLookupKey(key: string | null): { planVersion: string; interval: Interval } | null {
  const [, planVersion, interval] = /^([a-z][a-z0-9_]*@\d+):(month|year)$/.exec(key ?? "") ?? [];
  return planVersion && interval ? { planVersion, interval: interval as Interval } : null;
}

/** Minor units of the plan's price for the interval; null when it is not sold that way. */
export function planPriceMinor(plan: Plan, interval: Interval): number | null {
  if (plan.price.kind !== "recurring") return null;
  return interval === "month" ? plan.price.monthlyMinor : plan.price.annualMinor;
}

/** A price as it has to stand at Stripe. */
export interface WantedPrice {
  lookupKey: string;
  /** The id of the plan or pack. */
  sells: string;
  product: { id: string; name: string };
  amountMinor: number;
  currency: string;
  /** null: paid once. */
  interval: Interval | null;
}

/** Every price that a list sells, given the version of each of its plans. */
export function wantedPrices(
  list: PriceList,
  versionOf: (planId: string) => string | undefined,
): WantedPrice[] {
  const { currency } = list;
  const plans = list.plans.flatMap((plan) =>
    INTERVALS.flatMap((interval) => {
      const amountMinor = planPriceMinor(plan, interval);
      const version = versionOf(plan.id);
      if (amountMinor === null || version === undefined) return [];
      const product = { id: `tollgate_plan_${plan.id}`, name: plan.name };
      const lookupKey = planLookupKey(version, interval);
      return [{ lookupKey, sells: plan.id, product, amountMinor, currency, interval }];
    }),
  );
  const packs = list.packs.map((pack) => ({
    lookupKey: packLookupKey(pack, currency),
    sells: pack.id,
    product: { id: `tollgate_pack_${pack.id}`, name: pack.name },
    amountMinor: pack.priceMinor,
    currency,
    interval: null,
  }));
  return [...plans, ...packs];
}

/** Whether a price at Stripe charges what the list says. */
export function isSamePrice(price: Stripe.Price, wanted: WantedPrice): boolean {
  return (
    price.active &&
    price.unit_amount === wanted.amountMinor &&
    price.currency === wanted.currency &&
    (price.recurring?.interval ?? null) === wanted.interval &&
    (price.recurring?.interval_count ?? 1) === 1
  );
}

/** The id of something that Stripe may have expanded. */
export function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === "string" ? reference : (reference?.id ?? null);
}

/** Stripe counts instants in seconds. */
export function instantOf(unixSeconds: number): Date {
  return new Date(unixSeconds * 1_000);
}
