import type { Ctx } from "../context";
import { type EventHandlers, type Processed, processDue } from "../webhooks/service";
import { stripeHandlers } from "./handlers";

/** More would not fit into one cron call; the rest waits a minute. */
const EVENTS_PER_RUN = 500;

/** Every provider's webhook handlers. */
export const eventHandlers: EventHandlers = { stripe: stripeHandlers };

/**
 * Cron `inbox`: works off webhook events that were not finished right after they came in: failed ones whose
 * back-off is over, and those whose worker died. Safe late, twice, or by two runners at once.
 */
export async function inbox(ctx: Ctx): Promise<Processed> {
  return processDue(ctx, eventHandlers, { limit: EVENTS_PER_RUN });
}
