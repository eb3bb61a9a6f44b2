import { definePriceList, type Refill } from "@/lib/price-list";

/**
 * Two buckets of credits: one that is refilled each period, use it or lose it, and one that is kept: bought, granted,
 * carried over from a trial. A recap costs one of either. Without a period, sign-up gives what a refill would.
 */
export function recapsList(every: Refill["every"] | "off", credits = 5) {
  const limits = { recaps: 0, users: "unlimited" } as const;
  const refilled = (units: number) => (every === "off" ? undefined : { credits: units, every });
  return definePriceList({
    currency: "usd",
    features: {
      recaps: {
        kind: "meter",
        name: "Recaps",
        unit: "recap",
        window: "month",
        align: "anchored",
        overflow: { to: "credits", credits: 1, perUnits: 1 },
      },
      users: { kind: "level", name: "Users", unit: "user" },
    },
    plans: [
      {
        id: "free",
        name: "Free",
        tagline: "",
        price: { kind: "free" },
        limits,
        refill: refilled(credits),
      },
      {
        id: "pro",
        name: "Pro",
        tagline: "",
        price: { kind: "prepaid", priceMinor: 900, days: 30, creditsPerDayLeft: 1 },
        limits,
        refill: refilled(60),
      },
      {
        id: "max",
        name: "Max",
        tagline: "",
        price: { kind: "prepaid", priceMinor: 2_900, days: 30, creditsPerDayLeft: 4 },
        limits,
        refill: refilled(300),
      },
    ],
    packs: [{ id: "recaps_20", name: "20 recaps", credits: 20, priceMinor: 400, expiresAfterDays: null }],
    credits: {
      ...(every === "off" && { signUp: { credits, expiresAfterDays: null } }),
      trial: { credits: 3, perNetworkPerDay: 2, perDay: 1_000, carryOver: true },
    },
    defaultPlan: "free",
  });
}
