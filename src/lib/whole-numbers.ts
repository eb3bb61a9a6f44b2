/** A whole number of 0 or more that JavaScript holds exactly. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

export const isPositive = (value: unknown): value is number => isCount(value) && value > 0;
