import type { Plan } from "@/lib/price-list";
import { AppError } from "../errors";
import { decidingSubscription } from "./rules";
import type { subscriptions } from "./tables";

type SubscriptionRow = typeof subscriptions.$inferSelect;

const DAY_MS = 86_400_000;

/** Who could not be charged for so long after a pause has left. */
export const DAYS_TO_COME_BACK = 14;

/** The subscription that waits in a pause; null while another one runs. */
export function pausedSubscription(rows: readonly SubscriptionRow[]): SubscriptionRow | null {
  if (decidingSubscription(rows)) return null;
  const paused = rows.filter(({ status, planVersion }) => status === "paused" && planVersion !== null);
  return paused.sort((a, b) => b.billingAnchorAt.getTime() - a.billingAnchorAt.getTime())[0] ?? null;
}

/** Whether what a paused subscription was paid for still lasts: until then its plan holds. */
export function isPaidFor({ paidUntil }: Pick<SubscriptionRow, "paidUntil">, now: Date): boolean {
  return paidUntil !== null && now < paidUntil;
}

/**
 * When a pause that begins now ends by itself.
 * @throws AppError CONFLICT for a plan that can't be paused, INVALID_INPUT for an end that is past or too far away
 */
export function pauseEnd({ name, pause }: Plan, until: Date | undefined, now: Date): Date {
  if (!pause) throw new AppError("CONFLICT", `${name} can't be paused.`);
  const latest = new Date(now.getTime() + pause.maxDays * DAY_MS);
  if (until && (until <= now || until > latest))
    throw new AppError("INVALID_INPUT", `A pause of ${name} lasts ${pause.maxDays} days at most.`);
  return until ?? latest;
}

/** Whether a pause that is over could not be ended, for so long that the subscription is. */
export function isGivenUp({ resumesAt }: Pick<SubscriptionRow, "resumesAt">, now: Date): boolean {
  return resumesAt !== null && now.getTime() - resumesAt.getTime() > DAYS_TO_COME_BACK * DAY_MS;
}
