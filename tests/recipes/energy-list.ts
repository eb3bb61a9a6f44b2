import { definePriceList } from "@/lib/price-list";

/** Prepaid plans with energy for every day; what is bought besides is credits, one a unit, at a cent each. */
export const energyList = definePriceList({
  currency: "usd",
  features: {
    energy: {
      kind: "meter",
      name: "Energy",
      unit: "unit of energy",
      window: "day",
      align: "calendar",
      overflow: { to: "credits", credits: 1, perUnits: 1 },
    },
    uploads: { kind: "flag", name: "File uploads" },
    full_access: { kind: "flag", name: "Full access" },
    offline_processing: { kind: "flag", name: "Offline processing" },
    offline_slots: { kind: "level", name: "Offline slots", unit: "slot" },
    offline_jobs: { kind: "lease", name: "Offline jobs", heartbeatSeconds: 60 },
  },
  plans: [
    {
      id: "basic",
      name: "Basic",
      tagline: "",
      price: { kind: "free" },
      limits: {
        energy: 350,
        uploads: false,
        full_access: false,
        offline_processing: false,
        offline_slots: 0,
        offline_jobs: 0,
      },
    },
    {
      id: "standard",
      name: "Standard",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 2_000, days: 30, creditsPerDayLeft: 500 },
      limits: {
        energy: 1_500,
        uploads: true,
        full_access: false,
        offline_processing: false,
        offline_slots: 0,
        offline_jobs: 0,
      },
    },
    {
      id: "premium",
      name: "Premium",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 10_000, days: 30, creditsPerDayLeft: 2_000 },
      limits: {
        energy: 8_000,
        uploads: true,
        full_access: true,
        offline_processing: true,
        offline_slots: "unlimited",
        offline_jobs: 2,
      },
    },
  ],
  packs: [100, 500, 1_000].map((credits) => ({
    id: `energy_${credits}`,
    name: `${credits} energy`,
    credits,
    priceMinor: credits,
    expiresAfterDays: null,
  })),
  credits: { amount: { minorUnits: 1, perUnits: 1, min: 1, max: 1_000_000, expiresAfterDays: null } },
  defaultPlan: "basic",
});
