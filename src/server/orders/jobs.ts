import { sql } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { endingUntil, tellPlanEnding } from "./plan-ending";

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
