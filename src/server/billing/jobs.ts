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
import { endDuePause } from "./pause";
import { endingUntil, tellPlanEnding } from "./plan-ending";
import { reconcile } from "./reconcile";
import { followSeats } from "./seats";
import { syncCustomer } from "./sync";
import { type TopUpResult, topUp } from "./top-up";

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

/** Cron `reconcile`: see `reconcile.ts`. What it takes in is worked off at once. */
export async function reconcileAll(ctx: Ctx): Promise<Record<string, number>> {
  const reconciled = await reconcile(ctx);
  const processed = await processDue(ctx, eventHandlers, { limit: EVENTS_PER_RUN });
  return { ...reconciled, ...processed };
}

const PAGE = 500;

/**
 * Cron `forecast`: tells of plans that are about to end, each notice of an end once. Late it tells the nearest only. Safe
 * twice, by two runners at once, or never.
 */
export async function tellPlansEnding(ctx: Ctx): Promise<{ plansEndingTold: number }> {
  const [now, until] = [ctx.now().toISOString(), endingUntil(ctx.now()).toISOString()];
  let plansEndingTold = 0;
  for (let after = ""; ; ) {
    const page = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string }>(
        sql`select tenant_id from plans_ending(${now}::timestamptz, ${until}::timestamptz, ${after}, ${PAGE})`,
      ),
    );
    for (const row of page) {
      const tenant = await tenantById(ctx, provenTenantId(row.tenant_id));
      if (await tellPlanEnding({ ...ctx, tenant })) plansEndingTold += 1;
    }
    if (page.length < PAGE) return { plansEndingTold };
    after = page.at(-1)!.tenant_id;
  }
}

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
