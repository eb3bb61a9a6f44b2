import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import type { Ctx, TenantCtx } from "../context";
import { inTransaction } from "../db/transaction";
import { followDebt } from "./follow-debt";
import { settleCredits } from "./settle-credits";

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
