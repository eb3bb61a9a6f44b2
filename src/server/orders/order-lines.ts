import type { CreditAmount, CreditPack, PrepaidPrice } from "@/lib/price-list";
import type { PlanVersion } from "../plans/rules";
import { type Interval, packLookupKey, planLookupKey, planPriceMinor } from "../stripe/rules";
import type { orderLines } from "./tables";

/** One thing of an order, before it belongs to one. */
export type NewLine = Pick<
  typeof orderLines.$inferInsert,
  | "kind"
  | "name"
  | "credits"
  | "creditsExpireAfterDays"
  | "planVersion"
  | "days"
  | "amountMinor"
  | "lookupKey"
> & {
  /** Seats of a plan; left out: 1. */
  quantity?: number;
};

const count = (units: number) => new Intl.NumberFormat("en-US").format(units);

/** A pack, at the price that Stripe has for it. */
export function packLine(pack: CreditPack, currency: string): NewLine {
  return {
    kind: "credits",
    name: pack.name,
    credits: pack.credits,
    creditsExpireAfterDays: pack.expiresAfterDays,
    amountMinor: BigInt(pack.priceMinor),
    lookupKey: packLookupKey(pack, currency),
  };
}

/** Any amount of credits: the price is rounded up to a whole minor unit, once for the line. */
export function amountLine(rule: CreditAmount, credits: number): NewLine {
  const [price, per] = [BigInt(rule.minorUnits), BigInt(rule.perUnits)];
  return {
    kind: "credits",
    name: `${count(credits)} ${credits === 1 ? "credit" : "credits"}`,
    credits,
    creditsExpireAfterDays: rule.expiresAfterDays,
    amountMinor: (BigInt(credits) * price + per - 1n) / per,
    lookupKey: null,
  };
}

/** A plan for so many of its periods, paid once. */
export function prepaidLine(version: PlanVersion, price: PrepaidPrice, periods: number): NewLine {
  const days = price.days * periods;
  return {
    kind: "plan",
    name: `${version.definition.plan.name}, ${count(days)} ${days === 1 ? "day" : "days"}`,
    planVersion: version.id,
    days,
    amountMinor: BigInt(price.priceMinor) * BigInt(periods),
    lookupKey: null,
  };
}

/** A plan that a subscription brings: its first period stands on the same receipt. */
export function subscriptionLine(version: PlanVersion, interval: Interval): NewLine {
  const { plan } = version.definition;
  return {
    kind: "plan",
    name: `${plan.name}, by the ${interval}`,
    planVersion: version.id,
    days: null,
    amountMinor: BigInt(planPriceMinor(plan, interval) ?? 0),
    lookupKey: planLookupKey(version.id, interval),
  };
}
