import { desc } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { tenantById } from "../accounts/service";
import { slugDirectory } from "../accounts/tables";
import type { Ctx, TenantCtx } from "../context";

/** A development has a handful; who has more sees the newest. */
const MAX_TENANTS = 200;

/** Each tenant in turn, as itself: the walls between tenants hold here too. */
export async function everyTenant(ctx: Ctx): Promise<TenantCtx[]> {
  const rows = await ctx.db.orm
    .select()
    .from(slugDirectory)
    .orderBy(desc(slugDirectory.tenant))
    .limit(MAX_TENANTS);
  const tenants = rows.map((row) => tenantById(ctx, provenTenantId(row.tenant)));
  return (await Promise.all(tenants)).map((tenant) => ({ ...ctx, tenant }));
}
