import type Stripe from "stripe";
import type { CreditPack, Plan, PriceList } from "@/lib/price-list";

export type Interval = "month" | "year";
export const INTERVALS: readonly Interval[] = ["month", "year"];

/** The name under which Stripe keeps the price of a plan version: `pro@1:month`. */
export function planLookupKey(planVersionId: string, interval: Interval): string {
  return `${planVersionId}:${interval}`;
}

/** A pack's price is part of its name, because packs have no versions: `pack:credits_100:500:usd`. */
export function packLookupKey(pack: CreditPack, currency: string): string {
  return `pack:${pack.id}:${pack.priceMinor}:${currency}`;
}

/** The plan version and interval behind a lookup key; null when it isn't a plan's. */
export function planOfLookupKey(key: string | null): { planVersion: string; interval: Interval } | null {
  const [, planVersion, interval] = /^([a-z][a-z0-9_]*@\d+):(month|year)$/.exec(key ?? "") ?? [];
  return planVersion && interval ? { planVersion, interval: interval as Interval } : null;
}

/** Minor units of the plan's price for the interval; null when it is not sold that way. */
export function planPriceMinor(plan: Plan, interval: Interval): number | null {
  if (plan.price.kind !== "recurring") return null;
  return interval === "month" ? plan.price.monthlyMinor : plan.price.annualMinor;
}

/** A price as it has to stand at Stripe. */
export interface WantedPrice {
  lookupKey: string;
  /** The id of the plan or pack. */
  sells: string;
  product: { id: string; name: string };
  amountMinor: number;
  currency: string;
  /** null: paid once. */
  interval: Interval | null;
}

/** Every price that a list sells, given the version of each of its plans. */
export function wantedPrices(
  list: PriceList,
  versionOf: (planId: string) => string | undefined,
): WantedPrice[] {
  const { currency } = list;
  const plans = list.plans.flatMap((plan) =>
    INTERVALS.flatMap((interval) => {
      const amountMinor = planPriceMinor(plan, interval);
      const version = versionOf(plan.id);
      if (amountMinor === null || version === undefined) return [];
      const product = { id: `tollgate_plan_${plan.id}`, name: plan.name };
      const lookupKey = planLookupKey(version, interval);
      return [{ lookupKey, sells: plan.id, product, amountMinor, currency, interval }];
    }),
  );
  const packs = list.packs.map((pack) => ({
    lookupKey: packLookupKey(pack, currency),
    sells: pack.id,
    product: { id: `tollgate_pack_${pack.id}`, name: pack.name },
    amountMinor: pack.priceMinor,
    currency,
    interval: null,
  }));
  return [...plans, ...packs];
}

/** Whether a price at Stripe charges what the list says. */
export function isSamePrice(price: Stripe.Price, wanted: WantedPrice): boolean {
  return (
    price.active &&
    price.unit_amount === wanted.amountMinor &&
    price.currency === wanted.currency &&
    (price.recurring?.interval ?? null) === wanted.interval &&
    (price.recurring?.interval_count ?? 1) === 1
  );
}

const LIVE: ReadonlySet<string> = new Set(["active", "trialing", "past_due"]);

/** Whether a subscription of this status gives its plan. Past due keeps it while Stripe still tries to collect. */
export function isLive(status: string): boolean {
  return LIVE.has(status);
}

export interface LiveCandidate {
  subscriptionId: string;
  status: string;
  planVersion: string | null;
  interval: Interval;
  amountMinor: bigint;
  quantity: number;
  billingAnchorAt: Date;
}

/** The subscription that decides the plan: of several live ones the dearest, then the newest. */
export function decidingSubscription<S extends LiveCandidate>(subscriptions: readonly S[]): S | null {
  const live = subscriptions.filter((one) => isLive(one.status) && one.planVersion !== null);
  return live.sort(dearestThenNewest)[0] ?? null;
}

function dearestThenNewest(a: LiveCandidate, b: LiveCandidate): number {
  const [costA, costB] = [yearlyMinor(a), yearlyMinor(b)];
  if (costA !== costB) return costA > costB ? -1 : 1;
  const age = b.billingAnchorAt.getTime() - a.billingAnchorAt.getTime();
  return age !== 0 ? age : a.subscriptionId < b.subscriptionId ? -1 : 1;
}

const yearlyMinor = ({ amountMinor, quantity, interval }: LiveCandidate) =>
  amountMinor * BigInt(quantity) * (interval === "month" ? 12n : 1n);

/** What a session's state means for our row: `pending` is a payment on its way, such as a bank debit. */
export type Settlement = "open" | "pending" | "paid" | "expired";

/**
 * @param session with `payment_intent` and `subscription` expanded; null when Stripe doesn't know it
 * @param sellsOrder whether something is granted once it is paid: a subscription alone follows its own status
 */
export function settlementOf(session: Stripe.Checkout.Session | null, sellsOrder: boolean): Settlement {
  if (!session || session.status === "expired") return "expired";
  if (session.status !== "complete") return "open";
  if (session.payment_status !== "unpaid") return "paid";
  if (session.mode === "subscription") return sellsOrder ? firstInvoiceOf(session) : "paid";
  const intent = session.payment_intent;
  const onItsWay = intent !== null && (typeof intent === "string" || intent.status === "processing");
  return onItsWay ? "pending" : "expired";
}

const NEVER_PAID: ReadonlySet<string> = new Set(["incomplete_expired", "canceled", "unpaid"]);

/** A first invoice that nobody paid stays on its way for as long as its subscription may still begin. */
function firstInvoiceOf({ subscription }: Stripe.Checkout.Session): Settlement {
  const status = typeof subscription === "string" ? "incomplete" : (subscription?.status ?? "incomplete");
  return NEVER_PAID.has(status) ? "expired" : "pending";
}

/** The payment intent that paid a session, or its first invoice. @param session with `invoice.payments` expanded */
export function paymentIdOf(session: Stripe.Checkout.Session | null): string | null {
  const own = idOf(session?.payment_intent);
  if (own || !session?.invoice || typeof session.invoice === "string") return own;
  const payments = session.invoice.payments?.data ?? [];
  const paid = payments.find(({ status }) => status === "paid") ?? payments[0];
  return idOf(paid?.payment.payment_intent);
}

/** The id of something that Stripe may have expanded. */
export function idOf(reference: string | { id: string } | null | undefined): string | null {
  return typeof reference === "string" ? reference : (reference?.id ?? null);
}

/** Stripe counts instants in seconds. */
export function instantOf(unixSeconds: number): Date {
  return new Date(unixSeconds * 1_000);
}
