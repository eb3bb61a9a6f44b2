import { business, meterOf } from "@tests/entitlements/business";
import type { CreditRules, PriceList, Refill } from "@/lib/price-list";

/** A business that sells pages for credits and nothing else: the first plan is the default. */
export function creditBusiness(
  refills: Record<string, Refill | undefined>,
  credits?: CreditRules,
): PriceList {
  const list = business(
    {
      pages: meterOf({ overflow: { to: "credits", credits: 1, perUnits: 1 } }),
      images: meterOf({ overflow: { to: "credits", credits: 2, perUnits: 1 } }),
    },
    Object.fromEntries(Object.keys(refills).map((plan) => [plan, { pages: 0, images: 0 }])),
  );
  return { ...list, credits, plans: list.plans.map((plan) => ({ ...plan, refill: refills[plan.id] })) };
}
