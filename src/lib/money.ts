/** An amount in the currency's minor unit (cents for USD). Never a float. */
export interface Money {
  amountMinor: bigint;
  /** ISO 4217, lower case as Stripe writes it. */
  currency: string;
}

/** The same amount the other way round. */
export function negative({ amountMinor, currency }: Money): Money {
  return { amountMinor: -amountMinor, currency };
}

/** Digits after the decimal point of a currency's minor unit (2 for USD, 0 for JPY). */
export function minorDigits(currency: string): number {
  const { maximumFractionDigits } = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
  }).resolvedOptions();
  return maximumFractionDigits ?? 2;
}

/** `{ 1500n, "usd" }` → "$15.00", exactly: the digits are placed as text, never through a float. */
export function formatMoney({ amountMinor, currency }: Money, locale = "en-US"): string {
  const digits = minorDigits(currency);
  const sign = amountMinor < 0n ? "-" : "";
  const text = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(digits + 1, "0");
  const decimal = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  return format.format(`${sign}${decimal}` as Intl.StringNumericLiteral);
}
