import type { z } from "zod";
import type { Plan, PlanTrial } from "@/lib/price-list";
import type { Ctx, TenantCtx } from "../context";
import { AppError } from "../errors";
import { ensurePlanVersions, planVersion } from "../plans/service";
import { type Interval, planPriceMinor } from "../stripe/rules";
import { seatsFor } from "../subscriptions/seat-count";
import { seatsOf } from "../subscriptions/seat-rules";
import { mayTry } from "../subscriptions/subscription-trial";
import type { checkoutInput } from "./inputs";
import { amountLine, type NewLine, packLine, prepaidLine, subscriptionLine } from "./order-lines";

/** What one hosted page sells, as the price list sells it now. */
export interface Purchase {
  /** A subscription, maybe with credits on its first invoice, or what is paid once. */
  purpose: "subscription" | "order";
  /** In short: `pro@1:month`, a pack's id, `standard@1:30d+credits:250`. */
  item: string;
  lines: NewLine[];
  /** The page asks whether the card may be charged again later. */
  savesCard: boolean;
  /** The subscription begins with so many days free of charge. */
  trial?: PlanTrial;
  /** The subscription begins then, when the days end that are paid for already. */
  beginsAt?: Date;
  /** The subscription that ends then, once this is paid: the days that are bought begin there. */
  ends?: { subscriptionId: string; at: Date };
}

type Checked = z.output<typeof checkoutInput>;

interface Wish {
  plan?: string | undefined;
  interval: Interval;
  periods: number;
  pack?: string | undefined;
  credits: number;
  saveCard: boolean;
}

interface Part {
  item: string;
  line: NewLine;
}

/** The most that Stripe takes for one line, in minor units. */
const MAX_LINE_MINOR = 99_999_999n;

/** @throws AppError INVALID_INPUT for what doesn't exist, isn't sold at a checkout, or comes to nothing */
export async function purchaseOf(ctx: Ctx, checked: Checked): Promise<Purchase> {
  const wish = wishOf(checked);
  const parts = [await planPart(ctx, wish), packPart(ctx, wish), amountPart(ctx, wish)].filter(
    (part) => part !== null,
  );
  if (parts.length === 0) throw new AppError("INVALID_INPUT", "Nothing to purchase.");
  const lines = parts.map(({ line }) => line);
  if (lines.some(({ amountMinor }) => amountMinor > MAX_LINE_MINOR))
    throw notForSale("That is more than one payment can be.");
  const subscribes = lines.some(isSubscription);
  const savesCard = wish.saveCard && !subscribes;
  return {
    purpose: subscribes ? "subscription" : "order",
    item: [...parts.map(({ item }) => item), ...(savesCard ? ["card"] : [])].join("+"),
    lines,
    savesCard,
  };
}

/** The purchase with as many seats of its plan as this tenant holds, when that is paid by the seat. */
export async function withSeats(ctx: TenantCtx, purchase: Purchase): Promise<Purchase> {
  const plan = purchase.lines.find(isSubscription);
  if (!plan?.planVersion) return purchase;
  const version = await planVersion(ctx, plan.planVersion);
  if (!seatsOf(version.definition.plan)) return purchase;
  const quantity = await seatsFor(ctx, version);
  const name = `${plan.name}, ${quantity} ${quantity === 1 ? "seat" : "seats"}`;
  const sold = { ...plan, name, quantity, amountMinor: plan.amountMinor * BigInt(quantity) };
  return {
    ...purchase,
    item: `${purchase.item}*${quantity}`,
    lines: purchase.lines.map((line) => (line === plan ? sold : line)),
  };
}

/** The purchase with the trial that its plan offers, when this workspace may have it and nothing is bought beside it. */
export async function withTrial(ctx: TenantCtx, purchase: Purchase): Promise<Purchase> {
  const [line, ...others] = purchase.lines;
  if (purchase.purpose !== "subscription" || !line?.planVersion || others.length > 0) return purchase;
  const { trial } = (await planVersion(ctx, line.planVersion)).definition.plan;
  if (!trial || !(await mayTry(ctx))) return purchase;
  return { ...purchase, item: `${purchase.item}+trial:${trial.days}d`, trial };
}

/** Whether a subscription brings this line: a plan that isn't bought by the day. */
export const isSubscription = (line: Pick<NewLine, "kind" | "days">) =>
  line.kind === "plan" && (line.days ?? null) === null;

/** A subscription alone is state at Stripe; whatever else is bought is an order. */
export const needsOrder = ({ lines }: Purchase) => !lines.every(isSubscription);

/** All credits among the lines; null when there are none. */
export function creditsOf(lines: readonly Pick<NewLine, "credits">[]): number | null {
  return lines.reduce((sum, { credits }) => sum + (credits ?? 0), 0) || null;
}

function wishOf(checked: Checked): Wish {
  const simple = { interval: "month" as const, periods: 1, credits: 0, saveCard: false };
  if ("order" in checked) return { ...simple, ...checked.order };
  if ("pack" in checked) return { ...simple, ...checked };
  return { ...simple, plan: checked.plan, interval: checked.interval };
}

async function planPart(ctx: Ctx, { plan: id, interval, periods }: Wish): Promise<Part | null> {
  if (id === undefined) return null;
  const plan = ctx.prices.plans.find((one) => one.id === id);
  if (!plan) throw notForSale("There is no such plan.");
  refuseUnsold(plan, interval, periods);
  const version = (await ensurePlanVersions(ctx)).get(plan.id)!;
  if (plan.price.kind === "prepaid") {
    const line = prepaidLine(version, plan.price, periods);
    return { item: `${version.id}:${line.days}d`, line };
  }
  const line = subscriptionLine(version, interval);
  return { item: line.lookupKey ?? version.id, line };
}

function refuseUnsold(plan: Plan, interval: Interval, periods: number): void {
  const { name, price } = plan;
  if (price.kind === "free") throw notForSale(`${name} is free and needs no checkout.`);
  if (price.kind === "contact") throw notForSale(`${name} is sold by our team. Please write to us.`);
  const isSold = price.kind === "prepaid" ? interval === "month" : planPriceMinor(plan, interval) !== null;
  if (!isSold) throw notForSale(`${name} is not sold by the ${interval}.`);
  if (price.kind === "recurring" && periods > 1)
    throw notForSale(`${name} renews by itself and is not paid ahead.`);
}

function packPart(ctx: Ctx, { pack: id }: Wish): Part | null {
  if (id === undefined) return null;
  const pack = ctx.prices.packs.find((one) => one.id === id);
  if (!pack) throw notForSale("There is no such pack.");
  return { item: pack.id, line: packLine(pack, ctx.prices.currency) };
}

function amountPart(ctx: Ctx, { credits }: Wish): Part | null {
  if (credits === 0) return null;
  const rule = ctx.prices.credits?.amount;
  if (!rule) throw notForSale("Credits are sold in packs only.");
  if (credits < rule.min) throw notForSale(`The least that can be bought is ${rule.min} credits.`);
  if (credits > rule.max) throw notForSale(`The most that can be bought at once is ${rule.max} credits.`);
  return { item: `credits:${credits}`, line: amountLine(rule, credits) };
}

function notForSale(message: string): AppError {
  return new AppError("INVALID_INPUT", message, { hint: "Plans and packs stand in src/config/plans.ts." });
}
