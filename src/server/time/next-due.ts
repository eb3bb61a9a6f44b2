import { type SQL, sql } from "drizzle-orm";
import type { Ctx, TenantCtx } from "../context";
import { inTenant } from "../db/transaction";
import { everyTenant } from "./every-tenant";
import { type Due, soonest } from "./rules";

/** What our own tables say will happen by itself. Days before an end: the notices of it. */
const SOURCES: readonly { what: string; from: SQL; at: SQL; where?: SQL }[] = [
  { what: "a reset", from: sql`meters`, at: sql`window_ends_at` },
  { what: "a refill", from: sql`replenishments`, at: sql`period_ends_at` },
  { what: "the end of a limit of its own", from: sql`meters`, at: sql`override_ends_at` },
  { what: "the end of a plan", from: sql`tenant_plans`, at: sql`ends_at` },
  {
    what: "a notice of a plan's end",
    from: sql`tenant_plans, unnest(array[7, 3, 1]) days`,
    at: sql`ends_at - days * interval '24 hours'`,
    where: sql`source = 'prepaid'`,
  },
  {
    what: "a notice of a subscription's end",
    from: sql`subscriptions`,
    at: sql`cancel_at - interval '72 hours'`,
    where: sql`status = 'active'`,
  },
  { what: "a step of a payment that is overdue", from: sql`dunnings`, at: sql`due_at` },
  { what: "the end of credits", from: sql`lots`, at: sql`expires_at`, where: sql`closed_at is null` },
  { what: "the end of a hold", from: sql`holds`, at: sql`expires_at`, where: sql`status = 'open'` },
];

/** The next thing that any tenant's own tables foretell; null when they foretell nothing. */
export async function nextDueHere(ctx: Ctx): Promise<Due | null> {
  const now = ctx.now();
  const dues = (await everyTenant(ctx)).map((tenant) => nextOf(tenant, now));
  return soonest(now, await Promise.all(dues));
}

async function nextOf(ctx: TenantCtx, now: Date): Promise<Due | null> {
  const parts = SOURCES.map(
    ({ what, from, at, where }) =>
      sql`select ${what}::text as what, min(${at}) as at from ${from} where tenant_id = ${ctx.tenant.id} and ${at} > ${now.toISOString()}::timestamptz ${where ? sql`and ${where}` : sql``}`,
  );
  const rows = await inTenant(ctx, (tx) =>
    tx.execute<{ what: string; at: string }>(
      sql`select what, at from (${sql.join(parts, sql` union all `)}) due where at is not null order by at limit 1`,
    ),
  );
  const [row] = rows;
  return row ? { what: row.what, at: new Date(row.at) } : null;
}
