import type { Plan, PriceList } from "@/lib/price-list";
import type { Ctx } from "@/server/context";

const pro = (more: Partial<Plan> = {}): Plan => ({
  id: "pro",
  name: "Pro",
  tagline: "",
  price: { kind: "recurring", monthlyMinor: 1_500, annualMinor: 15_000 },
  limits: { compute: 1_000, seats: 5, upload_mb: 100, sso: true },
  ...more,
});

/** A free plan, prepaid days, and two that are subscribed to, as they were sold first. */
export const OLD: PriceList = {
  currency: "usd",
  features: {
    compute: {
      kind: "meter",
      name: "Compute",
      unit: "unit",
      window: "week",
      align: "calendar",
      overflow: { to: "deny" },
    },
    seats: { kind: "level", name: "Seats", unit: "seat" },
    upload_mb: { kind: "cap", name: "Upload size", unit: "MB" },
    sso: { kind: "flag", name: "Single sign-on" },
  },
  plans: [
    {
      id: "free",
      name: "Free",
      tagline: "",
      price: { kind: "free" },
      limits: { compute: 100, seats: 2, upload_mb: 10, sso: false },
    },
    {
      id: "days",
      name: "Days",
      tagline: "",
      price: { kind: "prepaid", priceMinor: 900, days: 30 },
      limits: { compute: 500, seats: 3, upload_mb: 50, sso: false },
    },
    pro(),
    {
      id: "max",
      name: "Max",
      tagline: "",
      price: { kind: "recurring", monthlyMinor: 9_900, annualMinor: null },
      limits: { compute: 50_000, seats: 50, upload_mb: 500, sso: true },
    },
  ],
  packs: [],
  defaultPlan: "free",
};

/** The same list with other words for some plans. */
export const relisted = (plans: Record<string, Partial<Plan>>): PriceList => ({
  ...OLD,
  plans: OLD.plans.map((plan) => ({ ...plan, ...plans[plan.id] })),
});

/** Dearer, and less in it. */
export const NEW = relisted({
  free: { limits: { compute: 50, seats: 2, upload_mb: 10, sso: false } },
  days: { price: { kind: "prepaid", priceMinor: 1_200, days: 30 } },
  pro: {
    price: { kind: "recurring", monthlyMinor: 2_000, annualMinor: 20_005 },
    limits: { compute: 800, seats: 5, upload_mb: 50, sso: false },
  },
});

/** The app after the release that sells another list. */
export const selling = <C extends Ctx>(ctx: C, prices: PriceList): C => ({ ...ctx, prices });
