import type Stripe from "stripe";
import { isRefunding, moneyBackOf, type RefundFact } from "../orders/money-back-rules";
import type { Order } from "../orders/place-order";
import { settlementOf } from "../orders/rules";
import { idOf, instantOf } from "../stripe/rules";
import { decidingSubscription } from "../subscriptions/rules";
import type { SubscriptionRow } from "../subscriptions/subscription";
import type { Drift } from "../sync/note-drift";

const NOTHING = "nothing";
const iso = (at: Date) => at.toISOString();

type OurSubscription = Pick<
  SubscriptionRow,
  "subscriptionId" | "status" | "priceId" | "quantity" | "currentPeriodEndsAt" | "cancelAt"
>;

function inWords({
  status,
  priceId,
  quantity,
  currentPeriodEndsAt,
  cancelAt,
}: Omit<OurSubscription, "subscriptionId">) {
  const end = cancelAt ? `, ends ${iso(cancelAt)}` : "";
  return `${status}, ${quantity} × ${priceId} until ${iso(currentPeriodEndsAt)}${end}`;
}

/** @param sellsPlan whether a price is one of ours */
function theirWords(subscription: Stripe.Subscription, sellsPlan: (priceId: string) => boolean): string {
  const items = subscription.items.data;
  const item = items.find(({ price }) => sellsPlan(price.id)) ?? items[0];
  if (!item) return NOTHING;
  const currentPeriodEndsAt = instantOf(item.current_period_end);
  const { status, cancel_at, cancel_at_period_end } = subscription;
  const cancelAt = cancel_at ? instantOf(cancel_at) : cancel_at_period_end ? currentPeriodEndsAt : null;
  return inWords({
    status,
    priceId: item.price.id,
    quantity: item.quantity ?? 1,
    currentPeriodEndsAt,
    cancelAt,
  });
}

/** Subscriptions that only one side has, or that stand otherwise there. */
export function subscriptionDrift(
  ours: readonly OurSubscription[],
  theirs: readonly Stripe.Subscription[],
  sellsPlan: (priceId: string) => boolean,
): Drift[] {
  const rows = new Map(ours.map((row) => [row.subscriptionId, row]));
  const listed = new Set(theirs.map(({ id }) => id));
  const known = theirs.map((subscription) => {
    const row = rows.get(subscription.id);
    return {
      kind: "subscription" as const,
      subject: subscription.id,
      ours: row ? inWords(row) : NOTHING,
      theirs: theirWords(subscription, sellsPlan),
    };
  });
  const gone = ours
    .filter(({ subscriptionId, status }) => !listed.has(subscriptionId) && status !== "canceled")
    .map((row) => ({
      kind: "subscription" as const,
      subject: row.subscriptionId,
      ours: inWords(row),
      theirs: NOTHING,
    }));
  return [...known, ...gone].filter((one) => one.ours !== one.theirs);
}

/** The plan in force is not the one that is paid for. While a payment is past due, other rules decide. */
export function planDrift(ours: readonly SubscriptionRow[], planInForce: string): Drift[] {
  const deciding = decidingSubscription(ours);
  if (!deciding?.planVersion || deciding.status === "past_due" || deciding.planVersion === planInForce)
    return [];
  const { subscriptionId: subject, planVersion: theirs } = deciding;
  return [{ kind: "plan", subject, ours: planInForce, theirs }];
}

interface OurCheckout {
  id: string;
  orderId: string | null;
  status: string;
}

/** Pages that we think are open or on their way, and Stripe has settled. @param theirs by our id */
export function checkoutDrift(
  ours: readonly OurCheckout[],
  theirs: ReadonlyMap<string, Stripe.Checkout.Session | null>,
): Drift[] {
  return ours.flatMap(({ id, orderId, status }) => {
    const session = theirs.get(id);
    if (session === undefined) return [];
    const settlement = settlementOf(session, orderId !== null);
    const isSame = settlement === (status === "complete" ? "pending" : "open");
    return isSame ? [] : [{ kind: "checkout", subject: id, ours: status, theirs: settlement } as const];
  });
}

interface OurMoney {
  order: Pick<Order, "id" | "paymentId" | "totalMinor" | "moneyBackMinor">;
  refunds: readonly Pick<RefundFact, "amountMinor" | "status">[];
  disputes: number;
}

/** Payments whose refunds or disputes we don't know. A charge counts refunds that are on their way, and not failed ones. */
export function chargeDrift(ours: readonly OurMoney[], charges: readonly Stripe.Charge[]): Drift[] {
  return ours.flatMap(({ order, refunds, disputes }) => {
    const charge = charges.find(
      ({ payment_intent, paid }) => paid && idOf(payment_intent) === order.paymentId,
    );
    if (!charge) return [];
    const known = refunds.filter(isRefunding).reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
    const isSame = known === BigInt(charge.amount_refunded) && (!charge.disputed || disputes > 0);
    if (isSame) return [];
    const words = (refunded: bigint | number, disputed: boolean) =>
      `${refunded} refunded${disputed ? ", disputed" : ""}`;
    return [
      {
        kind: "money_back" as const,
        subject: order.id,
        ours: words(known, disputes > 0),
        theirs: words(charge.amount_refunded, charge.disputed),
      },
    ];
  });
}

/** Orders whose money went back otherwise than we took it. @param theirs as of a look at the payment */
export function moneyBackDrift(
  ours: readonly OurMoney[],
  theirs: readonly {
    orderId: string;
    refunds: readonly RefundFact[];
    disputes: readonly { amountMinor: bigint; status: string }[];
  }[],
): Drift[] {
  return theirs.flatMap(({ orderId, refunds, disputes }) => {
    const order = ours.find((one) => one.order.id === orderId)?.order;
    if (!order) return [];
    const back = moneyBackOf(order.totalMinor, refunds, disputes);
    if (back === order.moneyBackMinor) return [];
    return [
      {
        kind: "money_back" as const,
        subject: orderId,
        ours: `${order.moneyBackMinor} back`,
        theirs: `${back} back`,
      },
    ];
  });
}
