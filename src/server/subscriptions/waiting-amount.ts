import type Stripe from "stripe";

/**
 * What stands on a regular invoice besides the period that it is for, as seats that came in the last one, with its discounts
 * and taxes. In the currency's minor unit.
 */
export function waitingAmount({ lines }: Stripe.Invoice): number {
  const waiting = lines.data.filter(({ parent }) => parent?.subscription_item_details?.proration !== false);
  return (
    sumOf(waiting) -
    sumOf(waiting.flatMap((line) => line.discount_amounts ?? [])) +
    exclusiveTax(waiting.flatMap((line) => line.taxes ?? []))
  );
}

/** Taxes that are added to the amount, not part of it. */
export function exclusiveTax(taxes: readonly { amount: number; tax_behavior: string }[]): number {
  return sumOf(taxes.filter(({ tax_behavior }) => tax_behavior === "exclusive"));
}

export const sumOf = (parts: readonly { amount: number }[]): number =>
  parts.reduce((sum, { amount }) => sum + amount, 0);
