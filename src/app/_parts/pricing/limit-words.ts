import { formatCount, formatUnits, pluralOf } from "@/components/format";
import type { Limit } from "@/lib/price-list";
import type { FeatureOffer } from "@/server/orders/offers";

/** A limit for a table whose row names the feature: "10,000 / month", "1 GB", "Unlimited". Flags have none. */
export function limitCell(feature: FeatureOffer, limit: Limit | undefined): string {
  if (limit === "unlimited") return "Unlimited";
  if (typeof limit !== "number") return "";
  if (feature.kind === "meter") return `${formatCount(limit)} / ${windowWord(feature)}`;
  const amount = isNamedByUnit(feature) ? formatCount(limit) : formatUnits(limit, feature.unit ?? "unit");
  return `${amount}${howOften(feature)}`;
}

/** A limit that stands alone: "10,000 messages a month", "1 GB storage", "Unlimited API calls". */
export function limitSentence(feature: FeatureOffer, limit: Limit | undefined): string {
  const name = /^[A-Z]{2}/.test(feature.name) ? feature.name : feature.name.toLowerCase();
  if (limit === "unlimited") return `Unlimited ${name}`;
  if (typeof limit !== "number") return feature.name;
  return `${amountOf(feature, limit, name)}${howOften(feature)}`;
}

function howOften(feature: FeatureOffer): string {
  if (feature.kind === "meter") return ` a ${windowWord(feature)}`;
  if (feature.kind === "lease") return " at once";
  return feature.kind === "pooled" ? " a call" : "";
}

function amountOf(feature: FeatureOffer, limit: number, name: string): string {
  const unit = feature.unit ?? "unit";
  if (isNamedByUnit(feature)) return `${formatCount(limit)} ${name}`;
  const short = unit === "byte" || unit === unit.toUpperCase();
  return short
    ? `${formatUnits(limit, unit)} ${name}`
    : `${formatCount(limit)} ${name} ${limit === 1 ? unit : pluralOf(unit)}`;
}

/** "API calls" are counted in calls: saying both would be saying it twice. */
function isNamedByUnit({ name, unit }: FeatureOffer): boolean {
  return unit !== null && name.toLowerCase().endsWith(pluralOf(unit));
}

function windowWord({ window }: FeatureOffer): string {
  return window === "billing_period" ? "billing period" : (window ?? "month");
}
