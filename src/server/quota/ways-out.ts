import { ratedUp } from "@/lib/meter-state";
import { formatMoney } from "@/lib/money";
import { type CreditPack, limitSize, type Plan, type PriceList } from "@/lib/price-list";
import type { WayOut } from "../errors";

/** A call that the gate refused. */
export interface Stopped {
  feature: string;
  units: number;
  /** `quota`, `no_credits`, `not_in_plan`, `request_cap`, `window_cap`, `spend_cap`, `confirm`, or `blocked…`. */
  reason: string;
  /** Of the window's allowance. */
  used: number;
  /** null: unlimited. */
  limit: number | null;
  /** Units short, of whatever the reason is about. */
  missing: number;
  resetsAt: Date | null;
  planId: string;
}

/** Of two that cost the same, the one that is nearer at hand comes first. */
const NEAREST: readonly WayOut["kind"][] = ["confirm", "wait", "raise_spend_cap", "buy_credits", "upgrade"];

/**
 * What would let a refused call through, the cheapest first, by the price list of today. Each is enough on its own.
 * None for a blocked account: money is not what it lacks, or not here.
 */
export function waysOut(prices: PriceList, stopped: Stopped): WayOut[] {
  if (stopped.reason.startsWith("blocked")) return [];
  return [
    ...confirm(stopped),
    ...wait(prices, stopped),
    ...raiseSpendCap(prices, stopped),
    ...buyCredits(prices, stopped),
    ...upgrade(prices, stopped),
  ].sort(
    (a, b) =>
      (a.costMinor ?? Number.POSITIVE_INFINITY) - (b.costMinor ?? Number.POSITIVE_INFINITY) ||
      NEAREST.indexOf(a.kind) - NEAREST.indexOf(b.kind),
  );
}

function confirm({ reason }: Stopped): WayOut[] {
  if (reason !== "confirm") return [];
  return [{ kind: "confirm", costMinor: 0, message: "Confirm that it may go past the limit." }];
}

/** Only when a new window has room for the whole call. */
function wait(prices: PriceList, stopped: Stopped): WayOut[] {
  const { feature, reason, resetsAt, units, limit, planId } = stopped;
  if (resetsAt === null || reason === "not_in_plan" || reason === "request_cap") return [];
  const cap = capsOf(planOf(prices, planId), feature).perWindow;
  if (units > Math.min(limit ?? Number.POSITIVE_INFINITY, cap)) return [];
  return [{ kind: "wait", until: resetsAt, costMinor: 0, message: "Wait until the limit resets." }];
}

function raiseSpendCap(prices: PriceList, { feature, reason, missing }: Stopped): WayOut[] {
  const overflow = overflowOf(prices, feature);
  if (reason !== "spend_cap" || overflow?.to !== "overage") return [];
  const costMinor = ratedUp(missing, overflow.minorUnits, overflow.perUnits);
  const message = `Raise the spend cap by at least ${money(prices, costMinor)}.`;
  return [{ kind: "raise_spend_cap", costMinor, message }];
}

function buyCredits(prices: PriceList, { feature, reason, missing }: Stopped): WayOut[] {
  const overflow = overflowOf(prices, feature);
  if ((reason !== "no_credits" && reason !== "quota") || overflow?.to !== "credits") return [];
  const bought = cheapestPacks(prices.packs, ratedUp(missing, overflow.credits, overflow.perUnits));
  if (!bought) return [];
  const names = bought.packs.map(({ pack, count }) => (count === 1 ? pack.name : `${count} × ${pack.name}`));
  return [
    {
      kind: "buy_credits",
      credits: bought.credits,
      packs: bought.packs.map(({ pack, count }) => ({ pack: pack.id, count })),
      costMinor: bought.costMinor,
      message: `Buy ${names.join(" and ")} for ${money(prices, bought.costMinor)}.`,
    },
  ];
}

/** The first dearer plan that would have let the call through, by its limit and its caps. */
function upgrade(prices: PriceList, stopped: Stopped): WayOut[] {
  const { feature, planId, reason } = stopped;
  const at = prices.plans.findIndex((plan) => plan.id === planId);
  const current = prices.plans[at];
  const capped = reason === "request_cap" || reason === "window_cap";
  const size = limitSize(current?.limits[feature]);
  const wanted = {
    limit: Math.min(stopped.used + stopped.units, Number.MAX_SAFE_INTEGER),
    perRequest: stopped.units,
    perWindow: reason === "window_cap" ? capsOf(current, feature).perWindow + stopped.missing : 0,
  };
  const plan = prices.plans.slice(at + 1).find((one) => {
    const caps = capsOf(one, feature);
    const gives = limitSize(one.limits[feature]);
    if (one.price.kind === "free" || caps.perRequest < wanted.perRequest || caps.perWindow < wanted.perWindow)
      return false;
    return gives >= wanted.limit && (capped || gives > size);
  });
  if (!plan) return [];
  return [{ kind: "upgrade", plan: plan.id, ...upgradeWords(prices, plan, current) }];
}

function upgradeWords(
  prices: PriceList,
  { name, price }: Plan,
  current: Plan | undefined,
): { costMinor: number | null; message: string } {
  if (price.kind === "contact") return { costMinor: null, message: `Ask us for the plan ${name}.` };
  if (price.kind === "prepaid") {
    const costMinor = price.priceMinor;
    return { costMinor, message: `Get ${name} for ${price.days} days at ${money(prices, costMinor)}.` };
  }
  const costMinor = (price.kind === "recurring" ? price.monthlyMinor : 0) - monthlyMinor(current);
  return { costMinor, message: `Upgrade to ${name} for ${money(prices, costMinor)} more a month.` };
}

interface Bought {
  packs: { pack: CreditPack; count: number }[];
  credits: number;
  costMinor: number;
}

/** Packs of one size, the last of them perhaps of another: the cheapest that reach `credits`, and then the fewest. */
function cheapestPacks(packs: readonly CreditPack[], credits: number): Bought | null {
  const offers = packs.flatMap((bulk) => {
    const full = Math.floor(credits / bulk.credits);
    const rest = credits - full * bulk.credits;
    const alone = bought([{ pack: bulk, count: rest === 0 ? full : full + 1 }]);
    const fits = packs.filter((pack) => pack.credits >= rest);
    if (full === 0 || rest === 0) return [alone];
    return [
      alone,
      ...fits.map((last) =>
        bought([
          { pack: bulk, count: full },
          { pack: last, count: 1 },
        ]),
      ),
    ];
  });
  const [best] = offers.sort((a, b) => a.costMinor - b.costMinor || a.credits - b.credits);
  return best ?? null;
}

function bought(packs: Bought["packs"]): Bought {
  const sum = (value: (pack: CreditPack) => number) =>
    packs.reduce((total, { pack, count }) => total + value(pack) * count, 0);
  return { packs, credits: sum((pack) => pack.credits), costMinor: sum((pack) => pack.priceMinor) };
}

const planOf = (prices: PriceList, id: string) => prices.plans.find((plan) => plan.id === id);

/** What the tenant pays each month already. */
function monthlyMinor(plan: Plan | undefined): number {
  return plan?.price.kind === "recurring" ? plan.price.monthlyMinor : 0;
}

function capsOf(plan: Plan | undefined, feature: string): { perRequest: number; perWindow: number } {
  const { perRequest, perWindow } = plan?.caps?.[feature] ?? {};
  return {
    perRequest: perRequest ?? Number.POSITIVE_INFINITY,
    perWindow: perWindow ?? Number.POSITIVE_INFINITY,
  };
}

function overflowOf(prices: PriceList, id: string) {
  const feature = Object.hasOwn(prices.features, id) ? prices.features[id] : undefined;
  return feature?.kind === "meter" ? feature.overflow : null;
}

const money = ({ currency }: PriceList, amountMinor: number) =>
  formatMoney({ amountMinor: BigInt(amountMinor), currency });
