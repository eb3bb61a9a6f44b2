const STRIPES_WORDS: Record<string, string> = {
  duplicate: "Charged twice",
  fraudulent: "Fraud",
  order_change: "The order changed",
  product_unsatisfactory: "Not as it ought to be",
};

/** Why a credit note was written: its own words, or Stripe's for them. */
export function reasonWords(reason: string | null): string | null {
  return reason && (STRIPES_WORDS[reason] ?? reason);
}
