import {
  type CreditAmount,
  type CreditPack,
  type CreditRules,
  type CreditTrial,
  MAX_CREDITS_A_PURCHASE,
} from "./price-list-shape";
import { isCount, isPositive } from "./whole-numbers";

/** Every problem of how credits are sold and given, in words a builder can act on. */
export function creditProblems(rules: CreditRules | undefined): string[] {
  if (!rules) return [];
  const { amount, signUp, lowBalance, debt, trial } = rules;
  const signsUp = !signUp || (isPositive(signUp.credits) && isExpiry(signUp.expiresAfterDays));
  const owes =
    debt === undefined ||
    debt === "block" ||
    (isCount(debt.allowUntil?.credits) && isPositive(debt.allowUntil?.days));
  return [
    ...(amount ? amountProblems(amount) : []),
    ...(signsUp ? [] : ["credits.signUp: credits and expiresAfterDays are whole numbers above 0"]),
    ...(isPositive(lowBalance ?? 1) ? [] : ["credits.lowBalance is a whole number above 0"]),
    ...(owes ? [] : ['credits.debt is "block", or allowUntil with credits of 0 or more and days above 0']),
    ...(trial ? trialProblems(trial) : []),
  ];
}

export function packProblems(pack: CreditPack): string[] {
  const ok =
    isPositive(pack.credits) &&
    pack.credits <= MAX_CREDITS_A_PURCHASE &&
    isPositive(pack.priceMinor) &&
    isExpiry(pack.expiresAfterDays);
  return ok
    ? []
    : [
        `pack "${pack.id}": credits, priceMinor and expiresAfterDays are whole numbers above 0, credits up to ${MAX_CREDITS_A_PURCHASE}`,
      ];
}

function amountProblems({ minorUnits, perUnits, min, max, expiresAfterDays }: CreditAmount): string[] {
  const sizes = isPositive(min) && isPositive(max) && min <= max && max <= MAX_CREDITS_A_PURCHASE;
  return [
    ...(isPositive(minorUnits) && isPositive(perUnits)
      ? []
      : ["credits.amount: minorUnits and perUnits are whole numbers above 0"]),
    ...(sizes ? [] : [`credits.amount: min is from 1 to max, and max at most ${MAX_CREDITS_A_PURCHASE}`]),
    ...(isExpiry(expiresAfterDays)
      ? []
      : ["credits.amount: expiresAfterDays is a whole number above 0, or null"]),
  ];
}

function trialProblems({ credits, perNetworkPerDay, perDay, carryOver }: CreditTrial): string[] {
  const ok = isPositive(credits) && isPositive(perNetworkPerDay) && isPositive(perDay);
  return ok && typeof carryOver === "boolean"
    ? []
    : [
        "credits.trial: credits, perNetworkPerDay and perDay are whole numbers above 0, carryOver is true or false",
      ];
}

const isExpiry = (days: unknown) => days === null || isPositive(days);
