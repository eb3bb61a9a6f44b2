import type { Interval } from "../stripe/rules";

const LIVE: ReadonlySet<string> = new Set(["active", "trialing", "past_due"]);

/** Whether a subscription of this status gives its plan. Past due keeps it while Stripe still tries to collect. */
export function isLive(status: string): boolean {
  return LIVE.has(status);
}

export interface LiveCandidate {
  subscriptionId: string;
  status: string;
  planVersion: string | null;
  interval: Interval;
  amountMinor: bigint;
  quantity: number;
  billingAnchorAt: Date;
}

/** The subscription that decides the plan: of several live ones the dearest, then the newest. */
export function decidingSubscription<S extends LiveCandidate>(subscriptions: readonly S[]): S | null {
  const live = subscriptions.filter((one) => isLive(one.status) && one.planVersion !== null);
  return live.sort(dearestThenNewest)[0] ?? null;
}

function dearestThenNewest(a: LiveCandidate, b: LiveCandidate): number {
  const [costA, costB] = [yearlyMinor(a), yearlyMinor(b)];
  if (costA !== costB) return costA > costB ? -1 : 1;
  const age = b.billingAnchorAt.getTime() - a.billingAnchorAt.getTime();
  return age !== 0 ? age : a.subscriptionId < b.subscriptionId ? -1 : 1;
}

const yearlyMinor = ({ amountMinor, quantity, interval }: LiveCandidate) =>
  amountMinor * BigInt(quantity) * (interval === "month" ? 12n : 1n);
