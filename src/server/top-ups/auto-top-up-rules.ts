import type Stripe from "stripe";
import type { CreditPack } from "@/lib/price-list";

/** What a tenant agreed to, and no more than that: a pack that was changed since is not bought. */
export interface TopUpTerms {
  /** Credits; below this a pack is bought. */
  threshold: number;
  packId: string;
  credits: number;
  priceMinor: bigint;
  currency: string;
  monthlyCapMinor: bigint;
}

export interface TopUpStanding {
  isOn: boolean;
  terms: TopUpTerms;
  /** The pack as it is sold now; null when it is not. */
  pack: CreditPack | null;
  /** Of the price list now. */
  currency: string;
  /** Credits that may be spent this instant. */
  spendable: number;
  /** Whether the tenant owes credits, as after a dispute, or is blocked for another reason. */
  isBarred: boolean;
  /** What this month's top-ups cost so far, those on their way included. */
  spentMinor: bigint;
}

/** `pack_changed`: dearer, smaller, in another currency or gone since the tenant agreed. */
export type TopUpDecision = "buy" | "off" | "recovered" | "barred" | "capped" | "pack_changed";

/** Whether a pack is bought now, and if not, why. The month's cap is never passed, not even by one pack. */
export function topUpDecision(standing: TopUpStanding): TopUpDecision {
  const { isOn, terms, pack, spendable, isBarred, spentMinor } = standing;
  if (!isOn) return "off";
  if (spendable >= terms.threshold) return "recovered";
  if (!pack || !isAsAgreed(pack, standing)) return "pack_changed";
  if (isBarred) return "barred";
  return spentMinor + BigInt(pack.priceMinor) > terms.monthlyCapMinor ? "capped" : "buy";
}

function isAsAgreed(pack: CreditPack, { terms, currency }: TopUpStanding): boolean {
  const isDearer = BigInt(pack.priceMinor) > terms.priceMinor;
  return !isDearer && pack.credits >= terms.credits && currency === terms.currency;
}

const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3_600;

/** How long a payment whose fate is unknown is left alone after so many tries: 1, 2, 4 … minutes, an hour at most. */
export function topUpWaitSeconds(tries: number): number {
  return Math.min(FIRST_WAIT_SECONDS * 2 ** Math.min(tries, 10), LONGEST_WAIT_SECONDS);
}

export type TopUpFailure =
  | "declined"
  | "authentication_required"
  | "no_card"
  | "refused"
  | "pack_changed"
  | "money_back";

/** Where a payment stands. `unasked`: nobody has tried to charge the card yet. */
export type TopUpOutcome =
  | { kind: "paid" | "processing" | "unasked" | "canceled" }
  | { kind: "failed"; reason: TopUpFailure; code: string; message: string };

/** Reads Stripe's intent, which alone knows: an answer that got lost can be read from it later. */
export function topUpOutcome(intent: Stripe.PaymentIntent): TopUpOutcome {
  switch (intent.status) {
    case "succeeded":
      return { kind: "paid" };
    case "canceled":
      return { kind: "canceled" };
    case "requires_confirmation":
      return { kind: "unasked" };
    case "requires_action":
      return failed("authentication_required", "authentication_required");
    case "requires_payment_method":
      return refusal(intent.last_payment_error);
    case "processing":
    case "requires_capture":
      return { kind: "processing" };
    default:
      // A status of a later API version: it is asked again.
      return { kind: "processing" };
  }
}

function refusal(error: Stripe.PaymentIntent.LastPaymentError | null): TopUpOutcome {
  const code = error?.decline_code ?? error?.code ?? "declined";
  const wantsOwner = error?.code === "authentication_required" || code === "authentication_required";
  return failed(wantsOwner ? "authentication_required" : "declined", code, error?.message);
}

/** What the tenant reads when Stripe says nothing for people. */
const FAILURE_WORDS: Record<TopUpFailure, string> = {
  declined: "Your card was declined.",
  authentication_required: "Your bank wants you to confirm this payment yourself.",
  no_card: "There is no card to charge.",
  refused: "The payment provider did not accept this payment.",
  pack_changed: "The pack you chose is no longer sold at the price you agreed to.",
  money_back: "A payment was given back or is disputed, so nothing more is bought by itself.",
};

export function failed(
  reason: TopUpFailure,
  code: string,
  message?: string,
): TopUpOutcome & { kind: "failed" } {
  return { kind: "failed", reason, code, message: message ?? FAILURE_WORDS[reason] };
}
