import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { tenantById } from "../accounts/service";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { forgetPayloads } from "../webhooks/forget-payloads";
import { inboxHealth } from "../webhooks/list-events";
import { type EventHandlers, processDue } from "../webhooks/service";
import { stripeHandlers } from "./handlers";
import { syncCustomer } from "./sync";

/** More would not fit into one cron call; the rest waits a minute. */
const EVENTS_PER_RUN = 500;

/** Every provider's webhook handlers. */
export const eventHandlers: EventHandlers = { stripe: stripeHandlers };

/**
 * Cron `inbox`: works off webhook events that were not finished right after they came in: failed ones whose
 * back-off is over, and those whose worker died. Safe late, twice, or by two runners at once.
 * @returns what it did, and how many events people have to look at
 */
export async function inbox(ctx: Ctx): Promise<Record<string, number>> {
  const processed = await processDue(ctx, eventHandlers, { limit: EVENTS_PER_RUN });
  const { quarantined: inQuarantine } = await inboxHealth(ctx);
  return { ...processed, inQuarantine, ...(await forgetPayloads(ctx)) };
}

const TENANTS_PER_PAGE = 100;
/** More would not fit into one cron call; the rest waits a minute. */
const TENANTS_PER_RUN = 500;

/**
 * Cron `reset`: takes unpaid subscriptions to their next step, and ends at Stripe what was not paid in time. The gate ends a
 * plan at its very instant without it. Safe late, twice, by two runners at once, or never.
 */
export async function sweepDunning(ctx: Ctx): Promise<{ dunningsFollowed: number; dunningsFailed: number }> {
  const done = { dunningsFollowed: 0, dunningsFailed: 0 };
  for (let after = "", seen = 0; seen < TENANTS_PER_RUN; seen += TENANTS_PER_PAGE) {
    const page = await dunningTenants(ctx, after);
    for (const id of page) {
      after = id;
      try {
        await syncCustomer({ ...ctx, tenant: await tenantById(ctx, provenTenantId(id)) });
        done.dunningsFollowed += 1;
      } catch (error) {
        logError("dunning", error);
        done.dunningsFailed += 1;
      }
    }
    if (page.length < TENANTS_PER_PAGE) break;
  }
  return done;
}

async function dunningTenants(ctx: Ctx, after: string): Promise<string[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string }>(
      sql`select tenant_id from dunnings_due(${ctx.now().toISOString()}::timestamptz, ${after}, ${TENANTS_PER_PAGE})`,
    ),
  );
  return rows.map((row) => row.tenant_id);
}
