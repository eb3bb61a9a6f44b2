import { formatDate, formatDateTime, formatUnits } from "@/components/format";
import { formatMoney } from "@/lib/money";
import type { PriceList } from "@/lib/price-list";
import type { Facts, FactType } from "../events/facts";
import type { Topic } from "./rules";

/** What is told of one fact, in the bell and in a mail. Plain text throughout: whoever shows it escapes it. */
export interface Letter {
  title: string;
  paragraphs: readonly [string, ...string[]];
  /** A small table, such as a receipt's lines. */
  details?: readonly (readonly [term: string, text: string])[];
  action: { label: string; url: string };
}

/** Everything that a letter may know beside its fact. */
export interface About {
  workspace: { name: string; slug: string; timeZone: string };
  prices: PriceList;
  appUrl: string;
  /** When it happened. */
  at: Date;
}

export interface Template<T extends FactType> {
  topic: Topic;
  write: (fact: Facts[T], about: About) => Letter;
  /** For the preview, and for the tests. */
  example: Facts[T];
}

type Page = "usage" | "credits" | "billing" | "settings";

/** The address of a workspace's page. */
export const pageUrl = ({ appUrl, workspace }: About, page: Page) => `${appUrl}/${workspace.slug}/${page}`;

/** An ISO instant as a day where the workspace is. */
export const dayIn = ({ workspace }: About, iso: string) => formatDate(new Date(iso), workspace.timeZone);

/** The same with the time, to be read in a sentence. */
export const timeIn = ({ workspace }: About, iso: string) =>
  formatDateTime(new Date(iso), workspace.timeZone);

/** Minor units as decimal text, in words: "$15.00". */
export const moneyOf = (minor: string, currency: string) =>
  formatMoney({ amountMinor: BigInt(minor), currency });

/** "Compute"; the id of a feature that is no longer sold. */
export const featureName = ({ prices }: About, feature: string) =>
  featureOf(prices, feature)?.name ?? feature;

/** "10,000 messages". */
export function unitsIn({ prices }: About, feature: string, units: number): string {
  const found = featureOf(prices, feature);
  return formatUnits(units, (found && "unit" in found && found.unit) || "unit");
}

/** The name of a version such as `pro@3`. */
export function planName({ prices }: About, version: string | null): string {
  const id = version?.split("@")[0];
  return prices.plans.find((plan) => plan.id === id)?.name ?? id ?? "a plan of your own";
}

/** "Pro (version 3)", where two versions of one plan have to be told apart. */
export const versionName = (about: About, version: string) =>
  `${planName(about, version)} (version ${version.split("@")[1] ?? "?"})`;

export const creditsIn = (credits: number) => formatUnits(credits, "credit");

/** "today", "tomorrow", "in 3 days". */
export function inDays(days: number): string {
  if (days <= 0) return "today";
  return days === 1 ? "tomorrow" : `in ${days} days`;
}

function featureOf(prices: PriceList, feature: string) {
  return Object.hasOwn(prices.features, feature) ? prices.features[feature] : undefined;
}
