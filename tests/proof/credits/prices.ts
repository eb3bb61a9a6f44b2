import { type CreditRules, definePriceList, type PriceList } from "@/lib/price-list";

/** Units of this for a credit: everything is paid with credits, so that they are what a history is about. */
export const CREDITS_A_UNIT: Record<string, number> = { pages: 1, images: 2 };
export const DAY_MS = 86_400_000;

/** `plan` says when the days of a plan are drawn from what it allows, and never runs out. */
const limits = { pages: 0, images: 0, plan: 1_000_000 };

const listOf = (debt: CreditRules["debt"]): PriceList =>
  definePriceList({
    currency: "usd",
    features: {
      pages: {
        kind: "meter",
        name: "Pages",
        window: "year",
        align: "calendar",
        overflow: { to: "credits", credits: 1, perUnits: 1 },
      },
      images: {
        kind: "meter",
        name: "Images",
        window: "year",
        align: "calendar",
        overflow: { to: "credits", credits: 2, perUnits: 1 },
      },
      plan: { kind: "meter", name: "Plan", window: "year", align: "calendar", overflow: { to: "deny" } },
    },
    plans: [
      {
        id: "free",
        name: "Free",
        tagline: "",
        price: { kind: "free" },
        limits,
        refill: { credits: 5, every: "day", first: 12 },
      },
      {
        id: "standard",
        name: "Standard",
        tagline: "",
        price: { kind: "prepaid", priceMinor: 2_000, days: 30, creditsPerDayLeft: 2 },
        limits,
        refill: { credits: 20, every: "month" },
      },
      {
        id: "premium",
        name: "Premium",
        tagline: "",
        price: { kind: "prepaid", priceMinor: 10_000, days: 30, creditsPerDayLeft: 7 },
        limits,
      },
    ],
    packs: [],
    credits: { lowBalance: 10, debt },
    defaultPlan: "free",
  });

export type Policy = "block" | "allow";
/** Credits and days that may be owed where that is allowed. */
export const ALLOWED = { credits: 20, days: 3 };
/** The same business, which lets its tenants owe or does not. */
export const prices: Record<Policy, PriceList> = {
  block: listOf("block"),
  allow: listOf({ allowUntil: ALLOWED }),
};

/** What the model knows of the plans, told once more. */
export const PLANS: Record<
  string,
  {
    refill: { units: number; every: "day" | "week" | "month" } | null;
    priceMinor: number;
    compensation: number;
  }
> = {
  free: { refill: { units: 5, every: "day" }, priceMinor: 0, compensation: 0 },
  standard: { refill: { units: 20, every: "month" }, priceMinor: 2_000, compensation: 2 },
  premium: { refill: null, priceMinor: 10_000, compensation: 7 },
};
export const FIRST_REFILL = 12;
export const PLAN_DAYS = 30;
export const LOW_AT = 10;

/** Codes of the business: for good, for some days, and one that ends with what it gives. */
export const CODES: Record<
  string,
  { kind: "promo" | "trial"; credits: number; lastsDays: number | null; endsAtMs: number | null }
> = {
  "KEEP-7": { kind: "promo", credits: 7, lastsDays: null, endsAtMs: null },
  "SOON-9": { kind: "trial", credits: 9, lastsDays: 3, endsAtMs: null },
  "OVER-5": { kind: "promo", credits: 5, lastsDays: null, endsAtMs: Date.parse("2026-04-01T00:00:00Z") },
};
