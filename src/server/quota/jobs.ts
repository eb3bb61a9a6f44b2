import { sql } from "drizzle-orm";
import { newId, provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import { actorName, type Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { rollMeter } from "../ledger/roll-meter";
import { forecast } from "./forecast";

const PAGE = 500;
const HOLDS_A_STEP = 1_000;

export interface MeterOfTenant {
  tenantId: string;
  feature: string;
}

/**
 * Cron `reset`: opens the new window of every meter whose window is over. The gate does the same on the next call,
 * so this is housekeeping: safe late, twice, by two runners at once, or never.
 */
export async function rollDue(ctx: Ctx): Promise<{ rolled: number }> {
  const rolled = await forEachDue(ctx, "gate_due", async (meter) =>
    (await inTransaction(ctx, (tx) => rollMeter({ ...ctx, tx }, meter))) ? 1 : 0,
  );
  return { rolled };
}

/**
 * Cron `reset`: gives back what abandoned holds keep. The gate does the same for a call that would be denied, so a
 * hold keeps nothing past its expiry anyway. Safe late, twice, by two runners at once, and beside a late commit.
 */
export async function sweepHolds(ctx: Ctx): Promise<{ expiredHolds: number }> {
  const expiredHolds = await forEachDue(ctx, "gate_holds_due", async (meter) => {
    let swept = 0;
    for (let step = HOLDS_A_STEP; step === HOLDS_A_STEP; swept += step) step = await sweepStep(ctx, meter);
    return swept;
  });
  return { expiredHolds };
}

/** A transaction each, so that however many there are, what was swept stays swept. */
async function sweepStep(ctx: Ctx, { tenantId, feature }: MeterOfTenant): Promise<number> {
  const now = ctx.now();
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ swept: number }>(
      sql`select gate_sweep(${now.toISOString()}::timestamptz, ${tenantId}, ${feature}, ${newId("entry", now)}, ${actorName(ctx.actor)}, ${HOLDS_A_STEP}) as swept`,
    ),
  );
  return Number(rows[0]?.swept ?? 0);
}

/**
 * Cron `forecast`: tells tenants whose pace uses an allowance up before it resets, once per window. A tenant at a time,
 * each in its own transaction. Safe late, twice, by two runners at once, or never.
 */
export async function forecastAll(ctx: Ctx): Promise<{ foreseen: number }> {
  const foreseen = await forEachDue(ctx, "forecast_due", async ({ tenantId, feature }) => {
    const tenant = await tenantById(ctx, provenTenantId(tenantId));
    return (await forecast({ ...ctx, tenant }, feature)) ? 1 : 0;
  });
  return { foreseen };
}

type Due = "gate_due" | "gate_holds_due" | "forecast_due";

/** Every meter that is due for something, across tenants, page by page. Sums what `work` says of each. */
async function forEachDue(
  ctx: Ctx,
  due: Due,
  work: (meter: MeterOfTenant) => Promise<number>,
): Promise<number> {
  let done = 0;
  let after: MeterOfTenant = { tenantId: "", feature: "" };
  for (;;) {
    const page = await duePage(ctx, due, after, PAGE);
    for (const meter of page) done += await work(meter);
    if (page.length < PAGE) return done;
    after = page.at(-1)!;
  }
}

/** The next meters that are due, by (tenant, feature). Ids only: the rest is asked as the tenant. */
export async function duePage(
  ctx: Ctx,
  due: Due,
  after: MeterOfTenant,
  limit: number,
): Promise<MeterOfTenant[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string; feature: string }>(
      sql`select tenant_id, feature from ${sql.identifier(due)}(${ctx.now().toISOString()}::timestamptz, ${after.tenantId}, ${after.feature}, ${limit})`,
    ),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, feature: row.feature }));
}
