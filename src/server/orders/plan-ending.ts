import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { tell } from "../events/service";
import { currentPlan } from "../plans/service";
import { waits } from "../subscriptions/prepaid-time-rules";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions } from "../subscriptions/subscription";
import { CANCELLED_NOTICES, endingNotice, FIRST_NOTICE_DAYS, PREPAID_NOTICES } from "./plan-ending-rules";
import { prepaidLines, prepaidOf } from "./prepaid";
import { isRunning } from "./prepaid-rules";

/** Whose end is told by then. */
export const endingUntil = (now: Date) => new Date(now.getTime() + FIRST_NOTICE_DAYS * 86_400_000);

/** What will end, and when that was decided. */
interface Ending {
  plan: string | null;
  endsAt: Date;
  decidedAt: Date;
  cancelled: boolean;
  /** Names the end: the notices of another end are other facts. */
  fact: string;
}

/**
 * `billing.plan_ending`: 7, 3 and 1 days before days that were paid ahead are over, and 3 days before a cancelled
 * subscription is; once each for every end that there is. Goes by what holds now, so what was extended, resumed or
 * refunded is told by its new end, or not at all.
 * @returns whether there was something new to tell
 */
export async function tellPlanEnding(ctx: TenantCtx): Promise<boolean> {
  return inTenant(ctx, async (_tx, inner) => {
    const ending = await endingOf(inner);
    if (!ending) return false;
    const { plan, endsAt, cancelled } = ending;
    const due = endingNotice(cancelled ? CANCELLED_NOTICES : PREPAID_NOTICES, { ...ending, now: ctx.now() });
    if (!due) return false;
    return tell(inner, {
      type: "billing.plan_ending",
      fact: `billing.plan_ending:${ending.fact}:${endsAt.toISOString()}:${due.notice}`,
      payload: { plan, daysLeft: due.daysLeft, endsAt: endsAt.toISOString(), cancelled },
    });
  });
}

async function endingOf(ctx: TenantCtx & { tx: Tx }): Promise<Ending | null> {
  const now = ctx.now();
  const begun = (await localSubscriptions(ctx)).filter((row) => !waits(row, now));
  const subscription = decidingSubscription(begun);
  if (subscription) {
    const { subscriptionId, status, planVersion: plan, cancelAt, canceledAt } = subscription;
    // The end of a trial, and of what was not paid, has letters of its own.
    if (!cancelAt || status !== "active") return null;
    // Days that wait go on where it ends.
    if (isRunning((await prepaidOf(ctx)).term, now)) return null;
    const decidedAt = canceledAt ?? subscription.currentPeriodStartsAt;
    return { plan, endsAt: cancelAt, decidedAt, cancelled: true, fact: subscriptionId };
  }
  const { version, source, endsAt } = await currentPlan(ctx);
  if (source !== "prepaid" || !endsAt) return null;
  const kept = (await prepaidLines(ctx)).filter(({ days }) => days > 0);
  const bought = kept.map(({ fulfilledAt }) => fulfilledAt.getTime());
  const decidedAt = new Date(Math.max(...bought));
  return { plan: version.id, endsAt, decidedAt, cancelled: false, fact: "prepaid" };
}
