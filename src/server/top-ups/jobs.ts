import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { tenantById } from "../accounts/service";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { type TopUpResult, topUp } from "./top-up";

/** Each waits for Stripe, so a few go side by side. */
const TOP_UPS_AT_ONCE = 4;
const TENANTS_PER_PAGE = 100;
/** More would not fit into one cron call; the rest waits a minute. */
const TENANTS_PER_RUN = 500;

/**
 * Cron `top-ups`: buys packs for tenants whose credits fell below their threshold, and takes payments further that
 * were interrupted. Only tenants who are due cost anything. Safe late, twice, by two runners at once, or never.
 */
export async function topUps(ctx: Ctx): Promise<{ toppedUp: number; topUpsFailed: number }> {
  const done = { toppedUp: 0, topUpsFailed: 0 };
  let after = "";
  for (let seen = 0; seen < TENANTS_PER_RUN; seen += TENANTS_PER_PAGE) {
    const page = await dueTenants(ctx, after);
    const waiting = [...page];
    const worker = async () => {
      for (let tenantId = waiting.shift(); tenantId; tenantId = waiting.shift()) {
        const result = await topUpTenant(ctx, tenantId);
        if (result === "bought") done.toppedUp += 1;
        if (result === "failed") done.topUpsFailed += 1;
      }
    };
    await Promise.all(Array.from({ length: TOP_UPS_AT_ONCE }, worker));
    after = page.at(-1) ?? after;
    if (page.length < TENANTS_PER_PAGE) break;
  }
  return done;
}

async function dueTenants(ctx: Ctx, after: string): Promise<string[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string }>(
      sql`select tenant_id from top_ups_due(${ctx.now().toISOString()}::timestamptz, ${after}, ${TENANTS_PER_PAGE})`,
    ),
  );
  return rows.map((row) => row.tenant_id);
}

/** One tenant's trouble is not another's: it is logged, and the tenant stays due. */
async function topUpTenant(ctx: Ctx, tenantId: string): Promise<TopUpResult | null> {
  try {
    return await topUp({ ...ctx, tenant: await tenantById(ctx, provenTenantId(tenantId)) });
  } catch (error) {
    logError("top-ups", error);
    return null;
  }
}
