/** How long a trial can be spent from, and carried over. */
export const TRIAL_DAYS = 30;
/** Counts of today and yesterday are kept, older ones deleted. */
export const KEPT_COUNT_DAYS = 2;
/** A wider network may begin so many times more trials than the one inside it. */
const WIDER = 4;
/** The day's ceiling is counted in so many shares. */
export const SHARES = 8;

const DAY_MS = 86_400_000;

/** The calendar day in UTC, `2026-11-21`: the one that trials are counted by. */
export function utcDay(at: Date): string {
  return at.toISOString().slice(0, 10);
}

export function daysLater(at: Date, days: number): Date {
  return new Date(at.getTime() + days * DAY_MS);
}

/** Trials a day of each network, the widest first: whoever counts them in this order never waits in a circle. */
export function networkCaps(
  networks: readonly string[],
  perNetworkPerDay: number,
): { network: string; cap: number }[] {
  // Nobody's word on the address counts: all who come like that share one network's cap.
  const known = networks.length > 0 ? networks : ["unknown"];
  return known.map((network, at) => ({ network, cap: perNetworkPerDay * WIDER ** at })).reverse();
}
