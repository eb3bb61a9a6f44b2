import type { z } from "zod";
import type { Plan } from "@/lib/price-list";
import type { Ctx } from "../context";
import { AppError } from "../errors";
import type { checkoutInput } from "./inputs";
import { currentPrices } from "./prices";
import { type Interval, planPriceMinor, type WantedPrice } from "./rules";

/** One thing to buy, as the price list sells it now. */
export interface Purchase {
  purpose: "subscription" | "credits";
  /** `pro@1:month`, or the pack's id. */
  item: string;
  price: WantedPrice;
  credits: number | null;
  creditsExpireAfterDays: number | null;
}

/** @throws AppError INVALID_INPUT for what doesn't exist or isn't sold at a checkout */
export async function purchaseOf(ctx: Ctx, wish: z.output<typeof checkoutInput>): Promise<Purchase> {
  const prices = await currentPrices(ctx);
  if ("pack" in wish) {
    const pack = ctx.prices.packs.find(({ id }) => id === wish.pack);
    if (!pack) throw notForSale("There is no such pack.");
    const price = prices.find(({ sells }) => sells === pack.id)!;
    const { id: item, credits, expiresAfterDays: creditsExpireAfterDays } = pack;
    return { purpose: "credits", item, price, credits, creditsExpireAfterDays };
  }
  const plan = ctx.prices.plans.find(({ id }) => id === wish.plan);
  if (!plan) throw notForSale("There is no such plan.");
  refuseUnsold(plan, wish.interval);
  const price = prices.find(({ sells, interval }) => sells === plan.id && interval === wish.interval)!;
  return {
    purpose: "subscription",
    item: price.lookupKey,
    price,
    credits: null,
    creditsExpireAfterDays: null,
  };
}

function refuseUnsold(plan: Plan, interval: Interval): void {
  if (plan.price.kind === "free") throw notForSale(`${plan.name} is free and needs no checkout.`);
  if (plan.price.kind === "contact")
    throw notForSale(`${plan.name} is sold by our team. Please write to us.`);
  if (planPriceMinor(plan, interval) === null)
    throw notForSale(`${plan.name} is not sold by the ${interval}.`);
}

function notForSale(message: string): AppError {
  return new AppError("INVALID_INPUT", message, { hint: "Plans and packs stand in src/config/plans.ts." });
}
