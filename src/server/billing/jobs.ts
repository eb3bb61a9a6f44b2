import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { tenantById } from "../accounts/service";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { endDuePause } from "./pause";
import { followSeats } from "./seats";

const TENANTS_PER_PAGE = 100;
/** More would not fit into one cron call; the rest waits a minute. */
const TENANTS_PER_RUN = 500;

/**
 * Cron `subscriptions`: seats that were taken or given up since it last ran, as one change of each subscription, and pauses
 * that are over. Only tenants where something is to be done cost anything. Safe late, twice, by two runners at once, or never.
 */
export async function followSubscriptions(ctx: Ctx): Promise<{ seatsFollowed: number; pausesEnded: number }> {
  const done = { seatsFollowed: 0, pausesEnded: 0 };
  for (let after = "", seen = 0; seen < TENANTS_PER_RUN; seen += TENANTS_PER_PAGE) {
    const page = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string }>(
        sql`select tenant_id from subscriptions_due(${ctx.now().toISOString()}::timestamptz, ${after}, ${TENANTS_PER_PAGE})`,
      ),
    );
    for (const { tenant_id } of page) await followTenant(ctx, tenant_id, done);
    after = page.at(-1)?.tenant_id ?? after;
    if (page.length < TENANTS_PER_PAGE) break;
  }
  return done;
}

/** One tenant's trouble is not another's: it is logged, and the tenant stays due. */
async function followTenant(
  ctx: Ctx,
  tenantId: string,
  done: { seatsFollowed: number; pausesEnded: number },
): Promise<void> {
  try {
    const tenantCtx = { ...ctx, tenant: await tenantById(ctx, provenTenantId(tenantId)) };
    if (await endDuePause(tenantCtx)) done.pausesEnded += 1;
    else if (await followSeats(tenantCtx)) done.seatsFollowed += 1;
  } catch (error) {
    logError("subscriptions", error);
  }
}
