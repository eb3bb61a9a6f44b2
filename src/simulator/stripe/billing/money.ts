import type Stripe from "stripe";

/** The wire form of `Stripe.Decimal`: the SDK turns this string into its own object. */
export function decimalOf(amountMinor: number): Stripe.Decimal {
  return String(amountMinor) as unknown as Stripe.Decimal;
}

/**
 * The part of an amount that falls on `remainingSeconds` of `periodSeconds`, rounded to the nearest minor
 * unit with halves away from zero. Exact: computed in integers. Stripe's own rounding is not documented.
 */
export function prorateMinor(amountMinor: number, remainingSeconds: number, periodSeconds: number): number {
  if (periodSeconds <= 0) return 0;
  const product = BigInt(Math.abs(amountMinor)) * BigInt(Math.max(0, remainingSeconds));
  const period = BigInt(periodSeconds);
  const rounded = Number((product * 2n + period) / (period * 2n));
  return amountMinor < 0 ? -rounded : rounded;
}

/** For people: `$20.00`. */
export function formatMinor(amountMinor: number, currency: string): string {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amountMinor / 10 ** digits);
}
