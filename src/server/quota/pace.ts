import { and, eq, gte, sql } from "drizzle-orm";
import { firstId } from "@/lib/ids";
import { tenants } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { entries } from "../ledger/tables";
import type { MeterView } from "./meter-view";

type ReadingCtx = TenantCtx & { tx: Tx };

const DAY_MS = 86_400_000;
/** An entry's id is made just before its instant: a call may wait in line for that long. */
const ID_SLACK_MS = 60_000;
const PACE_DAYS = 14;
/** A tenant that writes more than this is judged by less time: a read stays short however busy it is. */
const MAX_ENTRIES_READ = 20_000;
/** A minute: a burst in one instant is no pace without end. */
const SHORTEST_DAYS = 1 / 1_440;

/**
 * What an entry adds to usage. A hold counts nothing and its commit what was really used; a refund takes back. The
 * release of a hold is none of a level's.
 */
export const unitsUsed = sql`case ${entries.operation}
  when 'consume' then ${entries.units} when 'commit' then ${entries.units} when 'refund' then -${entries.units}
  when 'release' then case when ${entries.parentId} is null then -${entries.units} else 0 end else 0 end`;

/** The tenant's entries from an instant on, by the key that they are stored in. */
export function entriesSince(ctx: TenantCtx, since: Date) {
  return and(
    eq(entries.tenantId, ctx.tenant.id),
    gte(entries.id, firstId("entry", new Date(since.getTime() - ID_SLACK_MS))),
    gte(entries.createdAt, since),
  );
}

/**
 * Units of a meter a day, over the last fourteen days or since the tenant began; days without use weigh as much as
 * others. Never below 0.
 */
export async function paceOf(ctx: ReadingCtx, feature: string, view: MeterView): Promise<number> {
  const now = ctx.now();
  const since = new Date(Math.max(now.getTime() - PACE_DAYS * DAY_MS, (await beganAt(ctx)).getTime()));
  const newest = ctx.tx
    .select({
      feature: entries.feature,
      createdAt: entries.createdAt,
      units: sql<string>`${unitsUsed}`.as("units_used"),
    })
    .from(entries)
    .where(entriesSince(ctx, since))
    .orderBy(sql`${entries.id} desc`)
    .limit(MAX_ENTRIES_READ)
    .as("newest");
  const [row] = await ctx.tx
    .select({
      read: sql<string>`count(*)`,
      oldestAt: sql<string | null>`min(${newest.createdAt})`,
      units: sql<string>`coalesce(sum(${newest.units}) filter (where ${newest.feature} = ${feature}), 0)`,
    })
    .from(newest);
  const units = Number(row!.units);
  // Less than a day of history is not stretched to a day's pace.
  if (Number(row!.read) < MAX_ENTRIES_READ) return perDay(units, Math.max(daysSince(since, now), 1));
  // Too busy to read it all: the longer of what was read and what the meter itself counted.
  const oldestAt = new Date(row!.oldestAt!);
  return view.windowEndsAt !== null && view.carriedFrom < oldestAt
    ? perDay(view.used + view.beyond, daysSince(view.carriedFrom, now))
    : perDay(units, daysSince(oldestAt, now));
}

const daysSince = (since: Date, now: Date) => (now.getTime() - since.getTime()) / DAY_MS;
const perDay = (units: number, days: number) =>
  Math.max(0, Math.round((units / Math.max(days, SHORTEST_DAYS)) * 100) / 100);

async function beganAt(ctx: ReadingCtx): Promise<Date> {
  const [row] = await ctx.tx
    .select({ createdAt: tenants.createdAt })
    .from(tenants)
    .where(eq(tenants.tenantId, ctx.tenant.id));
  return row!.createdAt;
}
