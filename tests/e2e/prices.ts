import { prices } from "@/config/plans";

const [free, pro, ...dearer] = prices.plans;

/** The product's price list with two plans more: one with a trial, and one that is paid ahead by the day. */
export const listWithMore = {
  ...prices,
  plans: [
    free,
    pro,
    {
      ...pro,
      id: "team",
      name: "Team",
      tagline: "For two teams that ship",
      price: { kind: "recurring", monthlyMinor: 3_900, annualMinor: 39_000 },
      trial: { days: 14, card: true },
    },
    {
      ...pro,
      id: "pass",
      name: "Pass",
      tagline: "For a month, and no longer",
      price: { kind: "prepaid", priceMinor: 2_000, days: 30 },
    },
    ...dearer,
  ],
};
