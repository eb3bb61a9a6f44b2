import { forgetExpired } from "./accounts/jobs";
import { followSubscriptions } from "./billing/jobs";
import type { Ctx } from "./context";
import { expireLots, followDebts, tellAllExpiring } from "./credits/jobs";
import { endPlans } from "./entitlements/jobs";
import { forgetAnswers } from "./guard/answers";
import { forgetTold, notify } from "./notifications/jobs";
import { tellPlansEnding } from "./orders/jobs";
import { forecastAll, rollDue, sweepHolds } from "./quota/jobs";
import { sweepLeases } from "./quota/leases";
import { reconcileAll } from "./reconcile/jobs";
import { inbox, sweepDunning } from "./sync/jobs";
import { moveTenants } from "./sync/move-tenants";
import { topUps } from "./top-ups/jobs";
import { forgetTrials } from "./trials/jobs";

/** Says in numbers what it did. Every job is safe late, twice, and by two runners at once. */
export type Job = (ctx: Ctx) => Promise<Record<string, number>>;

/** What `/api/cron/<name>` runs, one line each. */
export const jobs = {
  reset: async (ctx) => ({
    ...(await endPlans(ctx)),
    ...(await rollDue(ctx)),
    ...(await sweepHolds(ctx)),
    // After what abandoned holds give back, which may be of a lot that expired or owes.
    ...(await expireLots(ctx)),
    ...(await followDebts(ctx)),
    ...(await sweepLeases(ctx)),
    ...(await forgetExpired(ctx)),
    ...(await forgetAnswers(ctx)),
    ...(await forgetTrials(ctx)),
    // Last, for it may wait for Stripe.
    ...(await sweepDunning(ctx)),
  }),
  inbox: async (ctx) => inbox(ctx),
  reconcile: async (ctx) => reconcileAll(ctx),
  forecast: async (ctx) => ({
    ...(await forecastAll(ctx)),
    ...(await tellAllExpiring(ctx)),
    ...(await tellPlansEnding(ctx)),
    ...(await forgetTold(ctx)),
  }),
  "top-ups": async (ctx) => topUps(ctx),
  subscriptions: async (ctx) => ({ ...(await followSubscriptions(ctx)), ...(await moveTenants(ctx)) }),
  notifications: async (ctx) => notify(ctx),
} satisfies Record<string, Job>;

/** The job of that name, or null; what every object has (`constructor`) is no job. */
export function jobNamed(name: string): Job | null {
  return Object.hasOwn(jobs, name) ? jobs[name as keyof typeof jobs] : null;
}
