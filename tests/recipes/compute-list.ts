import { definePriceList } from "@/lib/price-list";

interface Version {
  weekly: number;
  /** Units of compute for a dollar. */
  ratio: number;
}

/** A run draws on the weekly compute: a base, and its costs in millionths of a dollar at the plan version's ratio. */
export const computeList = ({ weekly, ratio }: Version) =>
  definePriceList({
    currency: "usd",
    features: {
      compute: {
        kind: "meter",
        name: "Compute",
        unit: "unit",
        window: "week",
        align: "anchored",
        overflow: { to: "credits", credits: 1, perUnits: 1 },
      },
      run: {
        kind: "pooled",
        name: "Run",
        meter: "compute",
        base: 2,
        weights: {
          model: { units: 50, per: 1_000_000 },
          sandbox: { units: 50, per: 1_000_000 },
          network: { units: 50, per: 1_000_000 },
        },
      },
    },
    plans: [
      {
        id: "free",
        name: "Free",
        tagline: "",
        price: { kind: "free" },
        limits: { compute: 100, run: 40 },
      },
      {
        id: "team",
        name: "Team",
        tagline: "",
        price: { kind: "recurring", monthlyMinor: 4_900, annualMinor: 49_000 },
        limits: { compute: weekly, run: 400 },
        weights: { run: { weights: { model: { units: ratio, per: 1_000_000 } } } },
      },
    ],
    packs: [
      { id: "extra_500", name: "500 extra units", credits: 500, priceMinor: 1_000, expiresAfterDays: 90 },
    ],
    defaultPlan: "free",
  });
