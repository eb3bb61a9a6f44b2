import { definePriceList } from "@/lib/price-list";

const meter = (name: string) => ({
  kind: "meter" as const,
  name,
  unit: "unit",
  window: "week" as const,
  align: "anchored" as const,
  overflow: { to: "credits" as const, credits: 1, perUnits: 1 },
});

/** A business with two meters that share their credits, one for one. */
export const sharedCredits = (limits: { compute: number; images: number }) =>
  definePriceList({
    currency: "usd",
    features: { compute: meter("Compute"), images: meter("Images") },
    plans: [{ id: "free", name: "Free", tagline: "To try", price: { kind: "free" }, limits }],
    packs: [],
    defaultPlan: "free",
  });
