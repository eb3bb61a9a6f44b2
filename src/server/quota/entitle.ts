import { and, eq, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import type { Feature } from "@/lib/price-list";
import { actorName, type TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { audit } from "../events/service";
import { entries, meters } from "../ledger/tables";
import { limitUnits, type PlanVersion, windowUnit } from "../plans/rules";
import { ensurePlanVersions, planVersion } from "../plans/service";
import { tenantPlans } from "../plans/tables";
import { rollMeter } from "./jobs";

export interface EntitleInput {
  planVersionId: string;
  source: "default" | "subscription" | "operator";
  interval?: "month" | "year";
  /** Where anchored windows count from. Left out: where they count from already, or now. */
  anchorAt?: Date;
}

type Meter = typeof meters.$inferSelect;
type Policy = Pick<
  Meter,
  | "kind"
  | "planVersion"
  | "allowance"
  | "windowUnit"
  | "anchorAt"
  | "timeZone"
  | "overflow"
  | "overflowCredits"
  | "overflowPerUnits"
>;
type WritingCtx = TenantCtx & { tx: Tx };

/**
 * Puts a tenant on a plan version and makes its meters follow: a higher allowance counts at once, what was used
 * stays used, and a new anchor starts a window that carries the usage along. Convergent: telling it twice, or
 * late, changes nothing. Joins `ctx.tx`.
 */
export async function entitle(ctx: TenantCtx, input: EntitleInput): Promise<void> {
  const version = await planVersion(ctx, input.planVersionId);
  await inTenant(ctx, async (tx, inner) => {
    const [before] = await tx
      .select()
      .from(tenantPlans)
      .where(eq(tenantPlans.tenantId, ctx.tenant.id))
      .for("no key update");
    const plan = {
      planVersion: version.id,
      source: input.source,
      interval: input.interval ?? before?.interval ?? "month",
      anchorAt: input.anchorAt ?? before?.anchorAt ?? ctx.now(),
      updatedAt: ctx.now(),
    };
    await tx
      .insert(tenantPlans)
      .values({ tenantId: ctx.tenant.id, ...plan })
      .onConflictDoUpdate({ target: tenantPlans.tenantId, set: plan });
    if (before?.planVersion !== version.id) {
      await audit(inner, {
        action: "plan.changed",
        subject: version.id,
        details: { from: before?.planVersion ?? null, source: input.source },
      });
    }
    await followPlan(inner, version, plan);
  });
}

/** The plan of a new tenant, and of one whose subscription ended. */
export async function entitleDefault(ctx: TenantCtx): Promise<void> {
  const versions = await ensurePlanVersions(ctx);
  await entitle(ctx, { planVersionId: versions.get(ctx.prices.defaultPlan)!.id, source: "default" });
}

/** In feature order, as the gate locks them. A feature that the version doesn't know keeps its row, with nothing granted. */
async function followPlan(
  ctx: WritingCtx,
  version: PlanVersion,
  plan: { interval: "month" | "year"; anchorAt: Date },
): Promise<void> {
  const known = await ctx.tx
    .select()
    .from(meters)
    .where(eq(meters.tenantId, ctx.tenant.id))
    .orderBy(meters.feature)
    .for("no key update");
  const metered = Object.entries(version.definition.features).filter(
    ([, feature]) => feature.kind === "meter" || feature.kind === "level",
  );
  const policies = new Map(metered.map(([id, feature]) => [id, policyOf(ctx, version, id, feature, plan)]));
  for (const id of [...new Set([...known.map((meter) => meter.feature), ...policies.keys()])].sort()) {
    const policy = policies.get(id);
    const meter = known.find((row) => row.feature === id);
    if (!meter) await openMeter(ctx, id, policy!);
    else await changeMeter(ctx, id, policy ?? { ...meter, planVersion: version.id, allowance: 0 });
  }
}

function policyOf(
  ctx: TenantCtx,
  version: PlanVersion,
  id: string,
  feature: Feature,
  plan: { interval: "month" | "year"; anchorAt: Date },
): Policy {
  const base = {
    planVersion: version.id,
    allowance: limitUnits(version.definition.plan.limits[id]),
    timeZone: ctx.tenant.timeZone,
  };
  if (feature.kind !== "meter") {
    return {
      ...base,
      kind: "level",
      windowUnit: null,
      anchorAt: null,
      overflow: "deny",
      overflowCredits: 1,
      overflowPerUnits: 1,
    };
  }
  const { overflow } = feature;
  return {
    ...base,
    kind: "meter",
    windowUnit: windowUnit(feature.window, plan.interval),
    anchorAt: feature.align === "anchored" || feature.window === "billing_period" ? plan.anchorAt : null,
    overflow: overflow.to,
    overflowCredits: overflow.to === "credits" ? overflow.credits : 1,
    overflowPerUnits: overflow.to === "credits" ? overflow.perUnits : 1,
  };
}

async function openMeter(ctx: WritingCtx, feature: string, policy: Policy): Promise<void> {
  const window = await firstWindow(ctx, policy);
  const row = { tenantId: ctx.tenant.id, feature, ...policy, granted: policy.allowance, used: 0, ...window };
  await ctx.tx.insert(meters).values(row);
  await writeEntry(ctx, "grant", row, 0);
}

async function changeMeter(ctx: WritingCtx, feature: string, policy: Policy): Promise<void> {
  await rollMeter(ctx, { tenantId: ctx.tenant.id, feature });
  const [meter] = await ctx.tx.select().from(meters).where(ofMeter(ctx, feature));
  if (!meter || samePolicy(meter, policy)) return;
  const sameWindow =
    meter.windowUnit === policy.windowUnit &&
    sameInstant(meter.anchorAt, policy.anchorAt) &&
    meter.timeZone === policy.timeZone;
  // A moved window starts now and takes its usage along, so changing plans never hands out an allowance twice.
  const window = sameWindow
    ? { windowStartsAt: meter.windowStartsAt, windowEndsAt: meter.windowEndsAt }
    : { ...(await firstWindow(ctx, policy)), windowStartsAt: ctx.now() };
  const row = {
    tenantId: ctx.tenant.id,
    feature,
    ...policy,
    granted: policy.allowance,
    used: meter.used,
    ...window,
  };
  await ctx.tx.update(meters).set(row).where(ofMeter(ctx, feature));
  const [booked] = await ctx.tx
    .select({ units: sql<string>`coalesce(sum(${entries.allowanceUnits}), 0)` })
    .from(entries)
    .where(
      and(
        eq(entries.tenantId, ctx.tenant.id),
        eq(entries.feature, feature),
        eq(entries.windowStartsAt, row.windowStartsAt),
      ),
    );
  await writeEntry(ctx, "adjust", row, meter.used - Number(booked?.units ?? 0));
}

/** Asked of SQL, as every roll is, so that one set of time-zone data decides all stored windows. */
async function firstWindow(
  ctx: WritingCtx,
  policy: Policy,
): Promise<{ windowStartsAt: Date; windowEndsAt: Date | null }> {
  const now = ctx.now();
  if (!policy.windowUnit) return { windowStartsAt: now, windowEndsAt: null };
  const anchor = policy.anchorAt?.toISOString() ?? null;
  const rows = await ctx.tx.execute<{ starts_at: string; ends_at: string }>(
    sql`select * from ledger_period_at(${now.toISOString()}::timestamptz, ${policy.windowUnit}, ${anchor}::timestamptz, ${policy.timeZone})`,
  );
  return { windowStartsAt: new Date(rows[0]!.starts_at), windowEndsAt: new Date(rows[0]!.ends_at) };
}

/** @param carried units of an earlier window that count in this one from now on */
async function writeEntry(
  ctx: WritingCtx,
  operation: "grant" | "adjust",
  row: Policy & {
    feature: string;
    used: number;
    granted: number | null;
    windowStartsAt: Date;
    windowEndsAt: Date | null;
  },
  carried: number,
): Promise<void> {
  const now = ctx.now();
  const id = newId("entry", now);
  await ctx.tx.insert(entries).values({
    tenantId: ctx.tenant.id,
    id,
    idempotencyKey:
      operation === "grant"
        ? `window:${row.feature}:${row.windowStartsAt.toISOString()}`
        : `plan:${row.feature}:${id}`,
    operation,
    feature: row.feature,
    units: row.granted ?? 0,
    allowanceUnits: carried,
    usedAfter: row.used,
    grantedAfter: row.granted,
    windowStartsAt: row.windowStartsAt,
    windowEndsAt: row.windowEndsAt,
    planVersion: row.planVersion,
    actor: actorName(ctx.actor),
    createdAt: now,
  });
}

function samePolicy(meter: Meter, policy: Policy): boolean {
  return (Object.keys(policy) as (keyof Policy)[]).every((key) =>
    key === "anchorAt" ? sameInstant(meter.anchorAt, policy.anchorAt) : meter[key] === policy[key],
  );
}

const sameInstant = (a: Date | null, b: Date | null) => a?.getTime() === b?.getTime();
const ofMeter = (ctx: TenantCtx, feature: string) =>
  and(eq(meters.tenantId, ctx.tenant.id), eq(meters.feature, feature));
