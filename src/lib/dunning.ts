import { isCount, isPositive } from "./whole-numbers";

/** What becomes of a subscription that is not paid, in days since its first failed payment. */
export interface DunningRules {
  /** So long everything works as before; after that nothing more can be bought. */
  graceDays: number;
  /** Then the plan falls to the default one, and the subscription ends. */
  endDays: number;
}

export const DEFAULT_DUNNING: DunningRules = { graceDays: 7, endDays: 14 };

/** What was told is kept for 90 days, and no step is told twice. */
const MAX_END_DAYS = 60;

export function dunningProblems(rules: DunningRules | undefined): string[] {
  if (!rules) return [];
  const { graceDays, endDays } = rules;
  return isCount(graceDays) && isPositive(endDays) && graceDays <= endDays && endDays <= MAX_END_DAYS
    ? []
    : [`dunning: graceDays from 0 to endDays, and endDays from 1 to ${MAX_END_DAYS}, whole days`];
}
