import type { DunningRules } from "./dunning";
import type { WindowUnit } from "./time";

/** A quota window. `billing_period` follows the subscription (a month for plans that nobody pays for). */
export type QuotaWindow = WindowUnit | "billing_period";

/** The call stops, goes on with a warning, or stops until a person has confirmed it. */
export type OnLimit = "block" | "warn" | "prompt";

/** Past the allowance it stops, or credits pay for it, taken whole: `ceil(units × credits / perUnits)` per call. */
export type PrepaidOverflow = { to: "deny" } | { to: "credits"; credits: number; perUnits: number };

/**
 * Past the allowance it goes on and is invoiced: `ceil(units × minorUnits / perUnits)` of the list's currency for
 * all units over in a window. `defaultCapMinor` is the ceiling until the tenant sets its own; left out: none.
 */
export interface Overage {
  to: "overage";
  minorUnits: number;
  perUnits: number;
  defaultCapMinor?: number;
}

export type Overflow = PrepaidOverflow | Overage;

/** Unused allowance is kept as lots: `maxUnits` at a time, each for `windows` windows after the one it comes from. */
export interface Rollover {
  maxUnits: number;
  windows: number;
}

/** `units` of the shared meter for every `per` of a cost. */
export interface Weight {
  units: number;
  per: number;
}

interface FeatureText {
  name: string;
  /** What one unit is called, singular: "message". */
  unit?: string;
}

interface MeterWindow {
  kind: "meter";
  window: QuotaWindow;
  align: "calendar" | "anchored";
  rollover?: Rollover;
}

/** Overage is agreed to beforehand, by its spend cap: there is nothing left to warn of or to ask. */
export type MeterFeature = FeatureText &
  MeterWindow &
  ({ overflow: PrepaidOverflow; onLimit?: OnLimit } | { overflow: Overage; onLimit?: "block" });

/** Has no balance of its own: draws `base + ceil(Σ cost × units / per)` units of another feature, a meter. */
export type PooledFeature = FeatureText & {
  kind: "pooled";
  /** The meter's id. */
  meter: string;
  base: number;
  /** By the name of the cost. */
  weights: Readonly<Record<string, Weight>>;
};

export type Feature =
  | (FeatureText & { kind: "flag" })
  | (FeatureText & { kind: "cap"; onLimit?: OnLimit })
  | (FeatureText & { kind: "level"; onLimit?: OnLimit })
  | (FeatureText & { kind: "lease"; heartbeatSeconds: number })
  | MeterFeature
  | PooledFeature;

/**
 * A flag's limit is true or false; every other kind's is a whole number or "unlimited": units of a window (meter),
 * held at once (level), running at once (lease), in one call (cap; pooled, in the meter's units).
 */
export type Limit = boolean | number | "unlimited";

/** Ceilings of one meter beside its limit, whatever pays for the units. */
export interface MeterCaps {
  /** The largest single call. */
  perRequest?: number;
  /** The most of one window, credits and overage included. */
  perWindow?: number;
}

/** What a plan changes of a pooled feature: its base, and the weights of some of its costs. */
export interface PooledRates {
  base?: number;
  weights?: Readonly<Record<string, Weight>>;
}

export type Price =
  | { kind: "free" }
  /** Minor units of the list's currency. */
  | { kind: "recurring"; monthlyMinor: number; annualMinor: number | null; seats?: Seats }
  | PrepaidPrice
  /** Sold by people: no checkout. */
  | { kind: "contact" };

/** The plan's price is that of one seat, and as many are paid for as units of a level are held. */
export interface Seats {
  /** The level's id: "users". */
  feature: string;
  /** So many are paid for, even when fewer are held; left out: 1. */
  atLeast?: number;
}

/** Paid once for `days` from the later of now and the current end; nothing renews. */
export interface PrepaidPrice {
  kind: "prepaid";
  /** Minor units of the list's currency for `days`. */
  priceMinor: number;
  days: number;
  /** Credits that an upgrade to a dearer prepaid plan gives for each started day left of this one; left out: 0. */
  creditsPerDayLeft?: number;
}

/** Credits that come by themselves while the tenant is on the plan; what is left of the ones before is forfeited. */
export interface Refill {
  credits: number;
  every: "day" | "week" | "month";
  /** The very first one of a tenant, once for ever; left out: `credits`. */
  first?: number;
}

export interface Plan {
  id: string;
  name: string;
  tagline: string;
  price: Price;
  limits: Readonly<Record<string, Limit>>;
  /** By meter. */
  caps?: Readonly<Record<string, MeterCaps | undefined>>;
  /** By pooled feature. */
  weights?: Readonly<Record<string, PooledRates | undefined>>;
  refill?: Refill;
  /** Of a subscription: it may rest for up to so many days. Left out: it may not. */
  pause?: { maxDays: number };
  /** Of a subscription: so many days free of charge, once per tenant and person. Left out: none. */
  trial?: PlanTrial;
}

/** Without `card` the trial begins without a payment method, and ends with it when none was added. */
export interface PlanTrial {
  days: number;
  card: boolean;
}

export interface CreditPack {
  id: string;
  name: string;
  credits: number;
  priceMinor: number;
  /** Days until the credits expire; null: never. */
  expiresAfterDays: number | null;
}

/** Credits sold by the amount: `ceil(credits × minorUnits / perUnits)`, from `min` to `max` in one purchase. */
export interface CreditAmount {
  minorUnits: number;
  perUnits: number;
  min: number;
  /** At most {@link MAX_CREDITS_A_PURCHASE}. */
  max: number;
  /** Days until they expire; null: never. */
  expiresAfterDays: number | null;
}

/** Credits for people without an account. */
export interface CreditTrial {
  /** Of one trial. */
  credits: number;
  /** Trials begun from one network a day. */
  perNetworkPerDay: number;
  /** Trials begun a day in all. */
  perDay: number;
  /** Whether what is left comes along when the person signs up. */
  carryOver: boolean;
}

/** How credits are sold and given, beside packs. */
export interface CreditRules {
  amount?: CreditAmount;
  /** What every new tenant gets once. */
  signUp?: { credits: number; expiresAfterDays: number | null };
  /** Below so many the tenant is told, once each time it gets there. */
  lowBalance?: number;
  /**
   * What happens when money is taken back after the credits were spent: the tenant is blocked until it has paid them
   * back, or may owe so many for so long. Left out: blocked.
   */
  debt?: "block" | { allowUntil: { credits: number; days: number } };
  trial?: CreditTrial;
}

export const MAX_CREDITS_A_PURCHASE = 1_000_000;

/** A business as data. The engine takes it from `ctx.prices`, so a test can bring another one. */
export interface PriceList {
  /** ISO 4217, lower case. */
  currency: string;
  features: Readonly<Record<string, Feature>>;
  /** Cheapest first: the order in which an upgrade is proposed. */
  plans: readonly Plan[];
  packs: readonly CreditPack[];
  credits?: CreditRules;
  /** Whether people may enter promotion codes for a subscription, made in Stripe's dashboard. Left out: no. */
  promotionCodes?: boolean;
  /** Whether Stripe adds tax at the checkout, as set up in its dashboard. Left out: no. */
  automaticTax?: boolean;
  /** What becomes of a subscription that is not paid. Left out: 7 days of grace, and the end after 14. */
  dunning?: DunningRules;
  /** The plan of a new tenant, and of one whose subscription or prepaid time ended. */
  defaultPlan: string;
}

/** Limits on one scale: off 0, on 1, unlimited infinite. */
export function limitSize(limit: Limit | undefined): number {
  if (limit === undefined || limit === false) return 0;
  if (limit === true) return 1;
  return limit === "unlimited" ? Number.POSITIVE_INFINITY : limit;
}
