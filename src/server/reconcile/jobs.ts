import type { Ctx } from "../context";
import { eventHandlers } from "../sync/jobs";
import { processDue } from "../webhooks/service";
import { reconcile } from "./reconcile";

/** More would not fit into one cron call; the rest waits a minute. */
const EVENTS_PER_RUN = 500;

/** Cron `reconcile`: see `reconcile.ts`. What it takes in is worked off at once. */
export async function reconcileAll(ctx: Ctx): Promise<Record<string, number>> {
  const reconciled = await reconcile(ctx);
  const processed = await processDue(ctx, eventHandlers, { limit: EVENTS_PER_RUN });
  return { ...reconciled, ...processed };
}
