import { and, desc, eq, inArray, sql } from "drizzle-orm";
import type { TenantCtx } from "../context";
import { balance } from "../credits/balance";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { entries, meters } from "../ledger/tables";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { type EstimateInput, estimateInput } from "./inputs";
import { type MeterView, meterView } from "./meter-view";
import { entriesSince, paceOf } from "./pace";
import { allowanceEndsAt, type Runway, runsOutAt } from "./runway";

type Meter = typeof meters.$inferSelect;

const DAY_MS = 86_400_000;
const HISTORY_DAYS = 90;
const MAX_CALLS = 1_000;
/** However many other calls stand between: a read stays short. */
const MAX_ENTRIES_READ = 20_000;
/** For windows that have not begun; where the running one ends is known exactly. */
const WINDOW_DAYS = { day: 1, week: 7, month: 30.44, year: 365.25 } as const;

export interface Estimate {
  feature: string;
  /** What the feature draws on: itself, or the meter that it shares. All units here are this one's. */
  meter: string;
  /**
   * How many calls the percentiles are made of: the newest 1,000 of the last 90 days at most, found among the tenant's
   * newest 20,000 entries.
   */
  calls: number;
  /** What half of the calls stayed within; null without any call. */
  p50Units: number | null;
  /** What 95 of 100 calls stayed within. */
  p95Units: number | null;
  /** The tenant's pace on the meter, by all features that draw on it. For a level, its growth. */
  unitsPerDay: number;
  /** Left of the allowance, plus lots of the unit, plus what credits or overage may pay for; null: unlimited. */
  spendableUnits: number | null;
  windowStartsAt: Date;
  resetsAt: Date | null;
  /** When this window's allowance alone is used up at that pace; null when the reset comes first. */
  allowanceEndsAt: Date | null;
  /** When nothing is left to draw from at that pace; null when that is more than a year away, or never. */
  runsOutAt: Date | null;
  runsOutBeforeReset: boolean;
}

/**
 * What a call of this feature costs and how long the tenant's units last, from its own history: exact percentiles of
 * what calls really cost (a hold counts by its commit), and the pace of the last fourteen days carried on.
 * Credits that other meters may take too are counted here in full.
 * @throws AppError UNKNOWN_FEATURE, INVALID_INPUT (a flag, cap or lease), NOT_FOUND (not metered for this tenant)
 */
export async function estimate(ctx: TenantCtx, input: EstimateInput): Promise<Estimate> {
  const { feature } = parseInput(estimateInput, input);
  const found = requireKind(ctx, feature, ["meter", "level", "pooled"]);
  return found.kind === "pooled" ? estimateMeter(ctx, found.meter, feature) : estimateMeter(ctx, feature);
}

/**
 * The same of a meter by its id, also of one that is not sold any more.
 * @param pooled counts only calls of this feature, which draws on the meter
 */
export async function estimateMeter(ctx: TenantCtx, meter: string, pooled?: string): Promise<Estimate> {
  return inTenant(ctx, async (_tx, inner) => {
    const row = await meterRow(inner, meter);
    const view = meterView(row, ctx.now());
    const calls = await pastCalls(inner, meter, pooled ?? null);
    const pace = await paceOf(inner, meter, view);
    const supply = view.granted === null ? null : await supplyOf(inner, row, view, view.granted);
    const endsAt = supply && runsOutAt(ctx.now(), pace, supply);
    const { windowStartsAt, windowEndsAt } = view;
    return {
      feature: pooled ?? meter,
      meter,
      ...calls,
      unitsPerDay: pace,
      spendableUnits: supply && spendableUnits(supply),
      windowStartsAt,
      resetsAt: windowEndsAt,
      allowanceEndsAt: supply && allowanceEndsAt(ctx.now(), pace, supply),
      runsOutAt: endsAt,
      runsOutBeforeReset: endsAt !== null && (windowEndsAt === null || endsAt < windowEndsAt),
    };
  });
}

async function meterRow(ctx: TenantCtx & { tx: Tx }, feature: string): Promise<Meter> {
  const [row] = await ctx.tx
    .select()
    .from(meters)
    .where(and(eq(meters.tenantId, ctx.tenant.id), eq(meters.feature, feature)));
  if (!row) throw new AppError("NOT_FOUND", `"${feature}" is not metered in this workspace.`);
  return row;
}

async function pastCalls(
  ctx: TenantCtx & { tx: Tx },
  meter: string,
  pooled: string | null,
): Promise<Pick<Estimate, "calls" | "p50Units" | "p95Units">> {
  const newest = ctx.tx
    .select({
      id: entries.id,
      units: entries.units,
      feature: entries.feature,
      operation: entries.operation,
      breakdown: entries.breakdown,
    })
    .from(entries)
    .where(entriesSince(ctx, new Date(ctx.now().getTime() - HISTORY_DAYS * DAY_MS)))
    .orderBy(desc(entries.id))
    .limit(MAX_ENTRIES_READ)
    .as("newest");
  const counted = ctx.tx
    .select({ units: newest.units })
    .from(newest)
    .where(
      and(
        eq(newest.feature, meter),
        inArray(newest.operation, ["consume", "commit"]),
        pooled === null ? undefined : sql`${newest.breakdown} ->> 'feature' = ${pooled}`,
      ),
    )
    .orderBy(desc(newest.id))
    .limit(MAX_CALLS)
    .as("counted");
  const at = (share: number) =>
    sql<string | null>`percentile_disc(${share}) within group (order by ${counted.units})`;
  const [row] = await ctx.tx
    .select({ calls: sql<string>`count(*)`, p50: at(0.5), p95: at(0.95) })
    .from(counted);
  return { calls: Number(row!.calls), p50Units: numberOrNull(row!.p50), p95Units: numberOrNull(row!.p95) };
}

async function supplyOf(
  ctx: TenantCtx & { tx: Tx },
  row: Meter,
  view: MeterView,
  granted: number,
): Promise<Runway> {
  const own = (await balance(ctx, { unit: row.feature })).lots;
  const credits = row.overflow === "credits" ? (await balance(ctx)).lots : [];
  const perCost = row.overflowPerUnits / row.overflowCost;
  const overage = pastLimitUnits(row);
  return {
    allowanceLeft: Math.max(granted - view.used, 0),
    allowance: view.allowance ?? Number.POSITIVE_INFINITY,
    resetsAt: view.windowEndsAt,
    windowDays: row.windowUnit ? WINDOW_DAYS[row.windowUnit] : Number.POSITIVE_INFINITY,
    lots: [
      ...own.map(({ remaining, expiresAt }) => ({ units: remaining, expiresAt })),
      ...credits.map(({ remaining, expiresAt }) => ({ units: remaining * perCost, expiresAt })),
    ],
    overageLeft: Math.max(overage - view.over, 0),
    overage,
    capLeft: Math.max((row.windowCap ?? Number.POSITIVE_INFINITY) - view.used - view.beyond, 0),
    cap: row.windowCap ?? Number.POSITIVE_INFINITY,
  };
}

/** What a window may go past its limit: nothing, what the spend cap pays for, or without end. */
function pastLimitUnits(row: Meter): number {
  if (row.onLimit === "warn" && row.allowance !== 0) return Number.POSITIVE_INFINITY;
  if (row.overflow !== "overage") return 0;
  if (row.spendCapMinor === null) return Number.POSITIVE_INFINITY;
  return Number((BigInt(row.spendCapMinor) * BigInt(row.overflowPerUnits)) / BigInt(row.overflowCost));
}

function spendableUnits({ allowanceLeft, lots, overageLeft, capLeft }: Runway): number | null {
  const covered = lots.reduce((sum, lot) => sum + lot.units, allowanceLeft + overageLeft);
  const units = Math.min(covered, capLeft);
  return Number.isFinite(units) ? Math.floor(units) : null;
}

const numberOrNull = (value: string | null) => (value === null ? null : Number(value));
