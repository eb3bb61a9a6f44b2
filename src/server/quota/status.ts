import { and, asc, count, eq, gt, isNull, lte, or, sql } from "drizzle-orm";
import { type MeterState, meterState } from "@/lib/meter-state";
import type { Feature, Overflow, PriceList } from "@/lib/price-list";
import type { TenantCtx } from "../context";
import { settleCredits } from "../credits/settle-credits";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { endPlan } from "../entitlements/end-plan";
import { entries, holds, leases, lots, meters } from "../ledger/tables";
import { parseInput } from "../parse";
import { requireKind } from "../plans/feature-kind";
import { liveOverrides } from "../plans/live-overrides";
import { limitUnits } from "../plans/rules";
import { currentPlan } from "../plans/service";
import { type UsageInput, usageInput } from "./inputs";
import { keptOver } from "./kept-over";
import { meterView } from "./meter-view";
import { entriesSince, unitsUsed } from "./pace";

export interface MeterStatus extends MeterState {
  feature: string;
  name: string;
  /** What one unit is called, singular. */
  unit: string;
  kind: "meter" | "level" | "lease";
  /** Of this window's allowance; of a level, how many are held, and of a lease, how many run. */
  used: number;
  /** null: unlimited. */
  limit: number | null;
  windowUnit: "day" | "week" | "month" | "year" | null;
  resetsAt: Date | null;
  overflow: Overflow["to"];
  /** Units of lots of its own (kept from earlier windows, granted) that may be spent besides. */
  extra: number;
  /** Units of this window past the allowance, and those of them that nothing covered. */
  beyond: number;
  over: number;
  /** The account may not use it at all, whatever is left. */
  blocked: boolean;
  /** Set aside by open holds; counted in the units above already. */
  held: number;
  /** What the gate goes by past the allowance; null: no such ceiling. */
  rule: {
    onLimit: "block" | "warn" | "prompt";
    /** `ceil(units × cost / perUnits)` credits, or minor units of overage. */
    overflowCost: number;
    overflowPerUnits: number;
    spendCapMinor: number | null;
    requestCap: number | null;
    windowCap: number | null;
  };
}

export interface QuotaStatus {
  plan: { id: string; name: string; version: string };
  /** Of overage and spend caps: ISO 4217, lower case. */
  currency: string;
  meters: MeterStatus[];
  flags: { feature: string; name: string; on: boolean }[];
  caps: {
    feature: string;
    name: string;
    unit: string;
    limit: number | null;
    onLimit: "block" | "warn" | "prompt";
  }[];
  /** Features that draw on a meter they share; `limit` is the largest single call, in the meter's units. */
  pooled: { feature: string; name: string; meter: string; limit: number | null }[];
  credits: { available: number };
}

/** Everything the tenant may do, and how much of it is used. A window that is over shows as the new one already. */
export async function status(ctx: TenantCtx): Promise<QuotaStatus> {
  await endPlan(ctx);
  const { version } = await currentPlan(ctx);
  const { plan, features } = version.definition;
  const now = ctx.now();
  const [rows, spendable, own, held, running] = await inTenant(ctx, async (tx, inner) => {
    await settleCredits(inner);
    return [
      await tx.select().from(meters).where(eq(meters.tenantId, ctx.tenant.id)),
      await spendableLots(tx, ctx.tenant.id, now),
      await liveOverrides(inner),
      await openHolds(tx, ctx.tenant.id),
      await runningLeases(tx, ctx.tenant.id, now),
    ];
  });
  const limitOf = (id: string) => (own.has(id) ? own.get(id)!.limit : limitUnits(plan.limits[id]));
  const sold = inListOrder(ctx.prices, features);
  const ofKind = <K extends Feature["kind"]>(kind: K) =>
    sold.flatMap(([id, feature]) => (isKind(feature, kind) ? [{ id, feature }] : []));
  return {
    plan: { id: plan.id, name: plan.name, version: version.id },
    currency: version.definition.currency,
    meters: sold.flatMap(([id, feature]) => {
      const row = rows.find((meter) => meter.feature === id);
      if (!row) return [];
      const { units, kept } = spendable.get(id) ?? { units: 0, kept: 0 };
      const extra = units + keptOver(row, now, kept);
      const counts = { extra, held: held.get(id) ?? 0, running: running.get(id) ?? 0 };
      return [meterStatus(now, row, feature, counts)];
    }),
    flags: ofKind("flag").map(({ id, feature }) => ({
      feature: id,
      name: feature.name,
      on: limitOf(id) !== 0,
    })),
    caps: ofKind("cap").map(({ id, feature }) => ({
      feature: id,
      name: feature.name,
      unit: feature.unit ?? "",
      limit: limitOf(id),
      onLimit: feature.onLimit ?? "block",
    })),
    pooled: ofKind("pooled").map(({ id, feature }) => ({
      feature: id,
      name: feature.name,
      meter: feature.meter,
      limit: limitOf(id),
    })),
    credits: { available: spendable.get("credits")?.units ?? 0 },
  };
}

const isKind = <K extends Feature["kind"]>(feature: Feature, kind: K): feature is Feature & { kind: K } =>
  feature.kind === kind;

interface Spendable {
  units: number;
  /** Those of them that were kept from earlier windows. */
  kept: number;
}

/** What lots hold that may be spent this instant, by unit: an expired lot counts for nothing, with or without cron. */
async function spendableLots(tx: Tx, tenantId: string, now: Date): Promise<Map<string, Spendable>> {
  const units = sql<string>`sum(${lots.remaining})`;
  const rows = await tx
    .select({ unit: lots.unit, units, kept: sql<string>`${units} filter (where ${lots.kind} = 'rollover')` })
    .from(lots)
    .where(
      and(
        eq(lots.tenantId, tenantId),
        isNull(lots.closedAt),
        lte(lots.startsAt, now),
        or(isNull(lots.expiresAt), gt(lots.expiresAt, now)),
      ),
    )
    .groupBy(lots.unit);
  return new Map(rows.map((row) => [row.unit, { units: Number(row.units), kept: Number(row.kept ?? 0) }]));
}

/** What is set aside, by feature. A hold counts until it is settled or swept, as it does in the meter. */
async function openHolds(tx: Tx, tenantId: string): Promise<Map<string, number>> {
  const rows = await tx
    .select({ feature: holds.feature, units: sql<string>`sum(${holds.units})` })
    .from(holds)
    .where(and(eq(holds.tenantId, tenantId), eq(holds.status, "open")))
    .groupBy(holds.feature);
  return new Map(rows.map(({ feature, units }) => [feature, Number(units)]));
}

/** How many leases run, by feature: one that missed its heartbeat doesn't, whether or not it was swept. */
async function runningLeases(tx: Tx, tenantId: string, now: Date): Promise<Map<string, number>> {
  const rows = await tx
    .select({ feature: leases.feature, running: count() })
    .from(leases)
    .where(and(eq(leases.tenantId, tenantId), isNull(leases.endedAt), gt(leases.expiresAt, now)))
    .groupBy(leases.feature);
  return new Map(rows.map(({ feature, running }) => [feature, running]));
}

/** A plan version's features in the price list's order: jsonb, where the version is kept, forgets its own. */
function inListOrder(prices: PriceList, features: PriceList["features"]): [string, Feature][] {
  const order = Object.keys(prices.features);
  const place = (id: string) => (order.includes(id) ? order.indexOf(id) : order.length);
  return Object.entries(features).sort(([a], [b]) => place(a) - place(b));
}

function meterStatus(
  now: Date,
  row: typeof meters.$inferSelect,
  feature: { name: string; unit?: string },
  { extra, held, running }: { extra: number; held: number; running: number },
): MeterStatus {
  const { granted: limit, beyond, over, windowEndsAt, ...view } = meterView(row, now);
  const used = row.kind === "lease" ? running : view.used;
  const rule = {
    onLimit: row.onLimit,
    overflowCost: row.overflowCost,
    overflowPerUnits: row.overflowPerUnits,
    spendCapMinor: row.spendCapMinor,
    requestCap: row.requestCap === Number.MAX_SAFE_INTEGER ? null : row.requestCap,
    windowCap: row.windowCap,
  };
  return {
    feature: row.feature,
    name: feature.name,
    unit: feature.unit ?? "unit",
    kind: row.kind,
    used,
    limit,
    ...meterState({ used, limit, over, overflow: row.overflow, rule }),
    windowUnit: row.windowUnit,
    resetsAt: windowEndsAt,
    overflow: row.overflow,
    extra,
    beyond,
    over,
    blocked: row.blockedReason !== null,
    held,
    rule,
  };
}

export interface UsageDay {
  /** A calendar day in the tenant's time zone, `2026-03-02`. */
  day: string;
  units: number;
}

/**
 * Units used per day, days without usage left out: what was consumed and what holds really came to, less refunds (on
 * the day of the refund). Levels count what was taken less what was given back.
 */
export async function usageByDay(ctx: TenantCtx, input: UsageInput): Promise<UsageDay[]> {
  const { feature, days } = parseInput(usageInput, input);
  requireKind(ctx, feature, ["meter", "level"]);
  const since = new Date(ctx.now().getTime() - days * 86_400_000);
  const day = sql<string>`to_char(${entries.createdAt} at time zone ${ctx.tenant.timeZone}, 'YYYY-MM-DD')`;
  const units = sql<string>`sum(${unitsUsed})`;
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({ day, units })
      .from(entries)
      .where(and(entriesSince(ctx, since), eq(entries.feature, feature)))
      .groupBy(sql`1`)
      .having(sql`${units} <> 0`)
      .orderBy(asc(sql`1`)),
  );
  return rows.map((row) => ({ day: row.day, units: Number(row.units) }));
}
