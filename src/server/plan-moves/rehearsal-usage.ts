import { and, count, eq, gt, isNull, sql } from "drizzle-orm";
import { firstId } from "@/lib/ids";
import type { Feature } from "@/lib/price-list";
import { periodAt } from "@/lib/time";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { entries, leases, meters } from "../ledger/tables";
import { type PlanDefinition, windowUnit } from "../plans/rules";
import type { CurrentPlan } from "../plans/service";
import { unitsUsed } from "../quota/pace";
import type { Usage, UsageOf } from "./rehearsal-rules";

type ReadingCtx = TenantCtx & { tx: Tx };

const DAY_MS = 86_400_000;
/** A month, and windows that reach into it are looked at whole. */
const HISTORY_DAYS = 30;
/** An entry's id is made just before its instant: a call may wait in line for that long. */
const ID_SLACK_MS = 60_000;

/** What the tenant did lately, cut into the windows that a version would have had. */
export async function usageUnder(
  ctx: ReadingCtx,
  { features }: PlanDefinition,
  plan: CurrentPlan,
): Promise<UsageOf> {
  const windows = Object.entries(features).flatMap(([feature, sold]) =>
    sold.kind === "meter" ? [{ feature, bounds: boundsOf(ctx, sold, plan) }] : [],
  );
  const used = await usedIn(ctx, windows);
  const held = await heldToday(ctx);
  return (feature) => used.get(feature) ?? emptyUsage(held.get(feature));
}

const emptyUsage = (held: number | undefined): Usage | null =>
  held === undefined ? null : { windows: [], biggest: 0, held };

interface Windows {
  feature: string;
  /** Where each begins, the oldest first. */
  bounds: Date[];
}

function boundsOf(ctx: TenantCtx, sold: Extract<Feature, { kind: "meter" }>, plan: CurrentPlan): Date[] {
  const isAnchored = sold.align === "anchored" || sold.window === "billing_period";
  const rule = {
    unit: windowUnit(sold.window, plan.interval),
    anchor: isAnchored ? plan.anchorAt : null,
    timeZone: ctx.tenant.timeZone,
  };
  const bounds: Date[] = [];
  for (let at = new Date(ctx.now().getTime() - HISTORY_DAYS * DAY_MS); at <= ctx.now(); ) {
    const { startsAt, endsAt } = periodAt(at, rule);
    bounds.push(startsAt);
    at = endsAt;
  }
  return bounds;
}

/** One walk over the entries of the time; a meter that was not used has windows of 0. */
async function usedIn(ctx: ReadingCtx, windows: readonly Windows[]): Promise<Map<string, Usage>> {
  const found = new Map<string, { windows: number[]; biggest: number; held: number }>();
  for (const { feature, bounds } of windows)
    found.set(feature, { windows: bounds.map(() => 0), biggest: 0, held: 0 });
  if (windows.length === 0) return found;
  const since = new Date(Math.min(...windows.map(({ bounds }) => bounds[0]!.getTime())));
  const from = firstId("entry", new Date(since.getTime() - ID_SLACK_MS));
  const rows = await ctx.tx.execute<{ feature: string; place: number; units: string; biggest: string }>(sql`
    select ${entries.feature} as feature, width_bucket(${entries.createdAt}, w.bounds) as place, sum(${unitsUsed}) as units,
      coalesce(max(${entries.units}) filter (where ${entries.operation} in ('consume', 'commit')), 0) as biggest
    from ${entries} join jsonb_to_recordset(${JSON.stringify(windows)}::jsonb) as w(feature text, bounds timestamptz[])
      on w.feature = ${entries.feature}
    where ${entries.tenantId} = ${ctx.tenant.id} and ${entries.id} >= ${from} and ${entries.createdAt} >= w.bounds[1]
    group by 1, 2`);
  for (const { feature, place, units, biggest } of rows) {
    const usage = found.get(feature)!;
    usage.windows[place - 1] = Math.max(0, Number(units));
    usage.biggest = Math.max(usage.biggest, Number(biggest));
  }
  return found;
}

/** Levels by what is held, leases by what runs. */
async function heldToday(ctx: ReadingCtx): Promise<Map<string, number>> {
  const levels = await ctx.tx
    .select({ feature: meters.feature, held: sql<string>`${meters.used} + ${meters.beyond}` })
    .from(meters)
    .where(and(eq(meters.tenantId, ctx.tenant.id), eq(meters.kind, "level")));
  const running = await ctx.tx
    .select({ feature: leases.feature, held: count() })
    .from(leases)
    .where(and(eq(leases.tenantId, ctx.tenant.id), isNull(leases.endedAt), gt(leases.expiresAt, ctx.now())))
    .groupBy(leases.feature);
  return new Map([...levels, ...running].map(({ feature, held }) => [feature, Number(held)]));
}
