import { and, asc, eq, gte, sql } from "drizzle-orm";
import type { Feature, Overflow, PriceList } from "@/lib/price-list";
import { periodAt } from "@/lib/time";
import type { TenantCtx } from "../context";
import { balance } from "../credits/service";
import { inTenant } from "../db/transaction";
import { entries, meters } from "../ledger/tables";
import { parseInput } from "../parse";
import { currentPlan } from "../plans/service";
import { requireKind } from "./consume";
import { type UsageInput, usageInput } from "./inputs";

export interface MeterStatus {
  feature: string;
  name: string;
  /** What one unit is called, singular. */
  unit: string;
  kind: "meter" | "level";
  used: number;
  /** null: unlimited. */
  limit: number | null;
  remaining: number | null;
  /** Whole per cent of the limit, rounded down; null when unlimited. */
  percent: number | null;
  windowUnit: "day" | "week" | "month" | "year" | null;
  resetsAt: Date | null;
  overflow: Overflow["to"];
}

export interface QuotaStatus {
  plan: { id: string; name: string; version: string };
  meters: MeterStatus[];
  flags: { feature: string; name: string; on: boolean }[];
  caps: { feature: string; name: string; unit: string; limit: number | null }[];
  credits: { available: number };
}

/** Everything the tenant may do, and how much of it is used. A window that is over shows as the new one already. */
export async function status(ctx: TenantCtx): Promise<QuotaStatus> {
  const { version } = await currentPlan(ctx);
  const { plan, features } = version.definition;
  const rows = await inTenant(ctx, (tx) =>
    tx.select().from(meters).where(eq(meters.tenantId, ctx.tenant.id)),
  );
  const sold = inListOrder(ctx.prices, features);
  const ofKind = (kind: string) => sold.filter(([, feature]) => feature.kind === kind);
  return {
    plan: { id: plan.id, name: plan.name, version: version.id },
    meters: sold.flatMap(([id, feature]) => {
      const row = rows.find((meter) => meter.feature === id);
      return row ? [meterStatus(ctx.now(), row, feature)] : [];
    }),
    flags: ofKind("flag").map(([id, feature]) => ({
      feature: id,
      name: feature.name,
      on: plan.limits[id] === true,
    })),
    caps: ofKind("cap").map(([id, feature]) => ({
      feature: id,
      name: feature.name,
      unit: feature.unit ?? "",
      limit: numberOrNull(plan.limits[id]),
    })),
    credits: { available: (await balance(ctx)).available },
  };
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
): MeterStatus {
  const over = row.windowEndsAt !== null && row.windowEndsAt <= now;
  const used = over ? 0 : row.used;
  const limit = over ? row.allowance : row.granted;
  const resetsAt =
    over && row.windowUnit
      ? periodAt(now, { unit: row.windowUnit, anchor: row.anchorAt, timeZone: row.timeZone }).endsAt
      : row.windowEndsAt;
  return {
    feature: row.feature,
    name: feature.name,
    unit: feature.unit ?? "unit",
    kind: row.kind,
    used,
    limit,
    remaining: limit === null ? null : Math.max(limit - used, 0),
    percent: limit === null ? null : percentOf(used, limit),
    windowUnit: row.windowUnit,
    resetsAt,
    overflow: row.overflow,
  };
}

const percentOf = (used: number, limit: number) =>
  limit === 0 ? 100 : Number((BigInt(used) * 100n) / BigInt(limit));
const numberOrNull = (limit: unknown) => (typeof limit === "number" ? limit : null);

export interface UsageDay {
  /** A calendar day in the tenant's time zone, `2026-03-02`. */
  day: string;
  units: number;
}

/** Units consumed per day, days without usage left out. Levels count what was taken less what was given back. */
export async function usageByDay(ctx: TenantCtx, input: UsageInput): Promise<UsageDay[]> {
  const { feature, days } = parseInput(usageInput, input);
  requireKind(ctx, feature, ["meter", "level"]);
  const since = new Date(ctx.now().getTime() - days * 86_400_000);
  const day = sql<string>`to_char(${entries.createdAt} at time zone ${ctx.tenant.timeZone}, 'YYYY-MM-DD')`;
  const rows = await inTenant(ctx, (tx) =>
    tx
      .select({
        day,
        units: sql<string>`sum(case ${entries.operation} when 'consume' then ${entries.units} else -${entries.units} end)`,
      })
      .from(entries)
      .where(
        and(
          eq(entries.tenantId, ctx.tenant.id),
          eq(entries.feature, feature),
          sql`${entries.operation} in ('consume', 'release')`,
          gte(entries.createdAt, since),
        ),
      )
      .groupBy(sql`1`)
      .orderBy(asc(sql`1`)),
  );
  return rows.map((row) => ({ day: row.day, units: Number(row.units) }));
}
