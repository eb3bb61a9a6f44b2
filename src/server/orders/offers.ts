import type { Money } from "@/lib/money";
import type { CreditAmount, Feature, Limit, Price, PriceList } from "@/lib/price-list";
import type { Ctx } from "../context";

export interface FeatureOffer {
  id: string;
  name: string;
  kind: Feature["kind"];
  /** What one unit is called, singular; of a pooled feature its meter's; null for flags. */
  unit: string | null;
  /** The window of a meter; null for everything else. */
  window: string | null;
}

export interface PlanOffer {
  id: string;
  name: string;
  tagline: string;
  /** `contact` plans are sold by people, `free` ones need no checkout, `prepaid` ones are paid once for some days. */
  kind: Price["kind"];
  /** null when the plan isn't sold for that interval. */
  monthly: Money | null;
  annual: Money | null;
  /** What `monthly` and `annual` are the price of one of, and how many are paid for at least; null for a flat price. */
  seats: { feature: string; unit: string; atLeast: number } | null;
  /** null when the plan isn't paid ahead by the day. */
  prepaid: { price: Money; days: number } | null;
  /** By feature id. */
  limits: Readonly<Record<string, Limit>>;
}

export interface PackOffer {
  id: string;
  name: string;
  credits: number;
  price: Money;
  expiresAfterDays: number | null;
}

export interface Offers {
  currency: string;
  features: FeatureOffer[];
  /** Cheapest first. */
  plans: PlanOffer[];
  packs: PackOffer[];
  /** Whether promotion codes may be entered. */
  promotionCodes: boolean;
  /** Any amount from `min` to `max`, at `ceil(credits × minorUnits / perUnits)`; null when only packs are sold. */
  amount: CreditAmount | null;
}

/** Everything that is for sale now. A tenant on an older version keeps what it bought. */
export function listOffers(ctx: Ctx): Offers {
  const { currency, features, plans, packs, credits: rules } = ctx.prices;
  const money = (amountMinor: number | null): Money | null =>
    amountMinor === null ? null : { amountMinor: BigInt(amountMinor), currency };
  return {
    currency,
    features: Object.entries(features).map(([id, feature]) => ({
      id,
      name: feature.name,
      kind: feature.kind,
      unit: unitOf(features, feature),
      window: feature.kind === "meter" ? feature.window : null,
    })),
    plans: plans.map(({ id, name, tagline, price, limits }) => ({
      id,
      name,
      tagline,
      kind: price.kind,
      monthly: money(price.kind === "recurring" ? price.monthlyMinor : null),
      annual: money(price.kind === "recurring" ? price.annualMinor : null),
      seats: seatsOffer(features, price),
      prepaid: prepaidOffer(price, currency),
      limits,
    })),
    promotionCodes: ctx.prices.promotionCodes === true,
    amount: rules?.amount ?? null,
    packs: packs.map(({ id, name, credits, priceMinor, expiresAfterDays }) => ({
      id,
      name,
      credits,
      price: { amountMinor: BigInt(priceMinor), currency },
      expiresAfterDays,
    })),
  };
}

function seatsOffer(features: PriceList["features"], price: Price): PlanOffer["seats"] {
  const seats = price.kind === "recurring" ? price.seats : undefined;
  if (!seats) return null;
  const { feature, atLeast = 1 } = seats;
  return { feature, unit: features[feature]?.unit ?? "seat", atLeast };
}

function prepaidOffer(price: Price, currency: string): PlanOffer["prepaid"] {
  if (price.kind !== "prepaid") return null;
  return { price: { amountMinor: BigInt(price.priceMinor), currency }, days: price.days };
}

function unitOf(features: PriceList["features"], feature: Feature): string | null {
  const counted = feature.kind === "pooled" ? features[feature.meter] : feature;
  return counted?.unit ?? null;
}
