import type Stripe from "stripe";

/** Automatic tax here is one rate for everybody, on top of the price: where a customer is plays no part. */
export const TAX_PERCENT = 20;

/** Whole minor units, halves away from zero; below zero for what is credited. */
export function taxMinor(amountMinor: number): number {
  return Math.sign(amountMinor) * Math.round((Math.abs(amountMinor) * TAX_PERCENT) / 100);
}

/** The tax of an invoice's lines, each rounded on its own, as the invoice shows it. */
export function invoiceTax(
  amounts: readonly number[],
): Pick<Stripe.Invoice, "automatic_tax" | "total_taxes"> & { tax: number } {
  const tax = amounts.reduce((sum, amount) => sum + taxMinor(amount), 0);
  return {
    tax,
    automatic_tax: {
      enabled: true,
      status: "complete",
      disabled_reason: null,
      liability: { type: "self" },
      provider: "stripe",
    },
    total_taxes: [
      {
        amount: tax,
        tax_behavior: "exclusive",
        tax_rate_details: null,
        taxability_reason: "standard_rated",
        taxable_amount: amounts.reduce((sum, amount) => sum + amount, 0),
        type: "tax_rate_details",
      },
    ],
  };
}
