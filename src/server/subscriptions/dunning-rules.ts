import type Stripe from "stripe";
import { DEFAULT_DUNNING } from "@/lib/dunning";
import type { PriceList } from "@/lib/price-list";
import { instantOf } from "../stripe/rules";

const DAY_MS = 86_400_000;

/** `grace`: all works. `purchases_stopped`: what the plan includes works. `plan_ended`: the default plan holds. */
export type DunningStep = "grace" | "purchases_stopped" | "plan_ended";

export interface DunningDays {
  pastDueSince: Date;
  purchasesStopAt: Date;
  planEndsAt: Date;
}

/** The instants of one dunning, counted from the first failed payment. */
export function dunningDays({ dunning }: PriceList, pastDueSince: Date): DunningDays {
  const { graceDays, endDays } = dunning ?? DEFAULT_DUNNING;
  const after = (days: number) => new Date(pastDueSince.getTime() + days * DAY_MS);
  return { pastDueSince, purchasesStopAt: after(graceDays), planEndsAt: after(endDays) };
}

/** The step that holds at an instant: each begins at its very instant. */
export function dunningStep(days: DunningDays, now: Date): DunningStep {
  if (now >= days.planEndsAt) return "plan_ended";
  return now >= days.purchasesStopAt ? "purchases_stopped" : "grace";
}

/** When the step after this one begins; null after the last. */
export function nextStepAt(days: DunningDays, now: Date): Date | null {
  const step = dunningStep(days, now);
  if (step === "plan_ended") return null;
  return step === "grace" ? days.purchasesStopAt : days.planEndsAt;
}

/** What of a subscription is unpaid, as Stripe says it. */
export interface Overdue {
  subscriptionId: string;
  /** The oldest. */
  invoiceId: string;
  pastDueSince: Date;
  amountMinor: bigint;
  currency: string;
  payUrl: string | null;
  nextAttemptAt: Date | null;
}

/**
 * What is overdue of a subscription's invoices: those that were tried and failed. The oldest says since when: it was
 * tried as it was finalized, and what was tried again later, or came after it, moves nothing.
 */
export function overdueOf(
  subscription: Pick<Stripe.Subscription, "id" | "pending_update">,
  invoices: readonly Stripe.Invoice[],
): Overdue | null {
  const failed = invoices
    .filter((invoice) => isUnpaid(invoice) && !isOfPendingUpdate(subscription, invoice))
    .sort((a, b) => failedAt(a) - failedAt(b) || (a.id < b.id ? -1 : 1));
  const [oldest] = failed;
  if (!oldest) return null;
  return {
    subscriptionId: subscription.id,
    invoiceId: oldest.id,
    pastDueSince: instantOf(failedAt(oldest)),
    amountMinor: failed.reduce((sum, { amount_remaining }) => sum + BigInt(amount_remaining), 0n),
    currency: oldest.currency,
    payUrl: oldest.hosted_invoice_url ?? null,
    nextAttemptAt: oldest.next_payment_attempt === null ? null : instantOf(oldest.next_payment_attempt),
  };
}

const UNPAID: ReadonlySet<string | null> = new Set(["open", "uncollectible"]);

const isUnpaid = ({ status, attempted, amount_remaining }: Stripe.Invoice) =>
  UNPAID.has(status) && attempted && amount_remaining > 0;

/** The invoice of a change that waits for its payment: unpaid, it changes nothing. */
const isOfPendingUpdate = (
  { pending_update }: Pick<Stripe.Subscription, "pending_update">,
  { billing_reason }: Stripe.Invoice,
) => pending_update !== null && billing_reason === "subscription_update";

const failedAt = ({ status_transitions, created }: Stripe.Invoice) =>
  status_transitions.finalized_at ?? created;

/** Stripe's words for a subscription whose last invoice is not paid. `unpaid`: it has given up trying. */
const BEHIND: ReadonlySet<string> = new Set(["past_due", "unpaid"]);
export const isBehind = (status: string) => BEHIND.has(status);

const OVER: ReadonlySet<string> = new Set(["canceled", "incomplete_expired"]);
export const isOver = (status: string) => OVER.has(status);
