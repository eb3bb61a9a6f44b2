import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import type { Ctx, TenantCtx } from "../context";
import { inTransaction } from "../db/transaction";
import { followDebt } from "./follow-debt";
import { settleCredits } from "./settle-credits";
import { expiringUntil, tellExpiring } from "./tell-expiring";

const PAGE = 500;

/** Cron `reset`: refills that are due are given, and what expired is written off. Safe late, twice, at once, or never. */
export async function expireLots(ctx: Ctx): Promise<{ refilled: number; writtenOff: number }> {
  const done = { refilled: 0, writtenOff: 0 };
  await forEachDue(ctx, "credit_due", async (tenant) => {
    const { refilled, writtenOff } = await settleCredits(tenant);
    done.refilled += refilled ? 1 : 0;
    done.writtenOff += writtenOff;
  });
  return done;
}

/**
 * Cron `reset`: who has owed credits for longer than the price list lets it is blocked; who owes none any more, since a
 * hold came back, goes on. Safe late, twice, or at once.
 */
export async function followDebts(ctx: Ctx): Promise<{ indebted: number }> {
  return { indebted: await forEachDue(ctx, "credit_debtors", followDebt) };
}

/**
 * Once a day: tells of credits that expire within a week, once for each day of expiry. Safe late, twice, by two runners
 * at once, or never.
 */
export async function tellAllExpiring(ctx: Ctx): Promise<{ expiringTold: number }> {
  const [now, until] = [ctx.now(), expiringUntil(ctx.now())];
  for (let expiringTold = 0; ; ) {
    // What is told is left out of the next page.
    const page = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string; fact: string; credits: string; expires_at: string }>(
        sql`select * from credits_expiring(${now.toISOString()}::timestamptz, ${until.toISOString()}::timestamptz, ${PAGE})`,
      ),
    );
    for (const row of page) {
      const tenant = await tenantById(ctx, provenTenantId(row.tenant_id));
      const lot = { fact: row.fact, credits: Number(row.credits), expiresAt: new Date(row.expires_at) };
      if (await tellExpiring({ ...ctx, tenant }, lot)) expiringTold += 1;
    }
    if (page.length < PAGE) return { expiringTold };
  }
}

/** Every tenant that is due for something, page by page, each in its own transaction. */
async function forEachDue(
  ctx: Ctx,
  due: "credit_due" | "credit_debtors",
  work: (ctx: TenantCtx) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  for (let after = ""; ; ) {
    const page = await inTransaction(ctx, (tx) =>
      tx.execute<{ tenant_id: string }>(
        sql`select tenant_id from ${sql.identifier(due)}(${ctx.now().toISOString()}::timestamptz, ${after}, ${PAGE})`,
      ),
    );
    for (const row of page) {
      await work({ ...ctx, tenant: await tenantById(ctx, provenTenantId(row.tenant_id)) });
      done += 1;
    }
    if (page.length < PAGE) return done;
    after = page.at(-1)!.tenant_id;
  }
}
