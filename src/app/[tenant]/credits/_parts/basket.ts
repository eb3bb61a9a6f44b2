import type { Money } from "@/lib/money";
import type { Offers, PlanOffer } from "@/server/orders/offers";

/** What was chosen: a pack's id or "amount", and perhaps a plan. */
export interface Choice {
  what: string;
  /** null while the field is empty. */
  amount: number | null;
  plan: string | null;
}

export const ANY_AMOUNT = "amount";

export interface BasketLine {
  name: string;
  price: Money;
}

/** What the order would say: its lines, the total, what is wrong with it, and what the server is asked for. */
export interface Basket {
  lines: BasketLine[];
  total: Money;
  problem: string | null;
}

/** Prices here are shown only: the server reckons them anew. */
export function basketOf(offers: Offers, choice: Choice): Basket {
  const problem = choice.what === ANY_AMOUNT ? amountProblem(offers, choice.amount) : null;
  const credits = creditsLine(offers, choice);
  const plan = offers.plans.find(({ id }) => id === choice.plan);
  const lines = [...(credits && problem === null ? [credits] : []), ...(plan ? planLine(plan) : [])];
  const amountMinor = lines.reduce((sum, { price }) => sum + price.amountMinor, 0n);
  return { lines, total: { amountMinor, currency: offers.currency }, problem };
}

/** As `billing.checkout` takes it. */
export function wishOf({ what, amount, plan }: Choice) {
  const credits = what === ANY_AMOUNT ? { credits: amount ?? 0 } : { pack: what };
  return { order: { ...credits, ...(plan === null ? {} : { plan }) } };
}

/** Plans that can be bought beside credits. */
export function plansSold(offers: Offers): PlanOffer[] {
  return offers.plans.filter((plan) => planLine(plan).length > 0);
}

export function planLine(plan: PlanOffer): BasketLine[] {
  if (plan.prepaid) return [{ name: `${plan.name}, ${plan.prepaid.days} days`, price: plan.prepaid.price }];
  return plan.monthly ? [{ name: `${plan.name}, by the month`, price: plan.monthly }] : [];
}

function creditsLine(offers: Offers, { what, amount }: Choice): BasketLine | null {
  if (what !== ANY_AMOUNT) return offers.packs.find(({ id }) => id === what) ?? null;
  return offers.amount && amount !== null
    ? { name: `${amount.toLocaleString("en-US")} credits`, price: amountPrice(offers, amount) }
    : null;
}

/** Rounded up to a whole minor unit. */
function amountPrice({ amount: rule, currency }: Offers, units: number): Money {
  const per = BigInt(rule?.perUnits ?? 1);
  return { amountMinor: (BigInt(units) * BigInt(rule?.minorUnits ?? 0) + per - 1n) / per, currency };
}

function amountProblem({ amount: rule }: Offers, units: number | null): string | null {
  if (!rule || units === null) return "Say how many";
  if (!Number.isSafeInteger(units)) return "Whole credits only";
  if (units < rule.min) return `${rule.min.toLocaleString("en-US")} or more`;
  return units > rule.max ? `${rule.max.toLocaleString("en-US")} at most` : null;
}
