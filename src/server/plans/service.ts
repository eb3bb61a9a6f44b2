import { createHash } from "node:crypto";
import { desc, eq } from "drizzle-orm";
import type { Plan, PriceList } from "@/lib/price-list";
import type { Ctx, TenantCtx } from "../context";
import type { Database, Tx } from "../db/client";
import { inTenant, inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { canonicalJson, type PlanDefinition, type PlanVersion, planDefinition } from "./rules";
import { planVersions, tenantPlans } from "./tables";

export interface CurrentPlan {
  version: PlanVersion;
  source: "default" | "subscription" | "prepaid" | "operator";
  interval: "month" | "year";
  anchorAt: Date;
  /** The instant it is over; null: it lasts. */
  endsAt: Date | null;
}

/** Versions never change once read, so a process keeps what it has seen, per database. */
const seen = new WeakMap<Database, Map<string, PlanVersion>>();
const ensured = new WeakMap<Database, WeakMap<PriceList, Promise<ReadonlyMap<string, PlanVersion>>>>();

/**
 * The version of every plan of `ctx.prices`, by plan id. A plan whose words are new gets its next version; words
 * that were sold before are that version again, so two releases running side by side don't race versions up.
 */
export function ensurePlanVersions(ctx: Ctx): Promise<ReadonlyMap<string, PlanVersion>> {
  const perList = remember(ensured, ctx.db, () => new WeakMap());
  const known = perList.get(ctx.prices);
  if (known) return known;
  const work = loadOrInsert(ctx).catch((error) => {
    perList.delete(ctx.prices);
    throw error;
  });
  perList.set(ctx.prices, work);
  return work;
}

async function loadOrInsert(ctx: Ctx): Promise<ReadonlyMap<string, PlanVersion>> {
  const found = new Map<string, PlanVersion>();
  for (const plan of ctx.prices.plans) found.set(plan.id, await ensureVersion(ctx, plan));
  return found;
}

async function ensureVersion(ctx: Ctx, plan: Plan): Promise<PlanVersion> {
  const definition = planDefinition(ctx.prices, plan);
  const hash = createHash("sha256").update(canonicalJson(definition)).digest("hex");
  // In the caller's transaction first: a process that begins with many of them would wait for a second connection each.
  for (let reader: Tx | Database["orm"] = ctx.tx ?? ctx.db.orm; ; reader = ctx.db.orm) {
    const rows = await reader
      .select()
      .from(planVersions)
      .where(eq(planVersions.planId, plan.id))
      .orderBy(desc(planVersions.version));
    const same = rows.find((row) => row.hash === hash);
    if (same) return keep(ctx, same);
    const version = (rows[0]?.version ?? 0) + 1;
    // A rival process may take the number first: then nothing is inserted here and the loop reads again.
    await inTransaction({ ...ctx, tx: undefined }, (tx) =>
      tx
        .insert(planVersions)
        .values({
          id: `${plan.id}@${version}`,
          planId: plan.id,
          version,
          definition,
          hash,
          createdAt: ctx.now(),
        })
        .onConflictDoNothing(),
    );
  }
}

/** @throws AppError NOT_FOUND for an id that was never sold */
export async function planVersion(ctx: Ctx, id: string): Promise<PlanVersion> {
  const known = seen.get(ctx.db)?.get(id);
  if (known) return known;
  const [row] = await (ctx.tx ?? ctx.db.orm).select().from(planVersions).where(eq(planVersions.id, id));
  if (!row) throw new AppError("NOT_FOUND", `There is no plan version "${id}".`);
  return keep(ctx, row);
}

/**
 * The plan the tenant is on now: one whose end has come is over that instant, and the default holds, whether or not
 * anybody has written that down.
 * @throws AppError NOT_FOUND before the tenant was given one
 */
export async function currentPlan(ctx: TenantCtx): Promise<CurrentPlan> {
  const row = await inTenant(ctx, async (tx) => {
    const [found] = await tx.select().from(tenantPlans).where(eq(tenantPlans.tenantId, ctx.tenant.id));
    return found;
  });
  if (!row) throw new AppError("NOT_FOUND", "This workspace has no plan yet.");
  const { planVersion: id, source, interval, anchorAt, endsAt } = row;
  if (endsAt === null || ctx.now() < endsAt)
    return { version: await planVersion(ctx, id), source, interval, anchorAt, endsAt };
  const version = (await ensurePlanVersions(ctx)).get(ctx.prices.defaultPlan)!;
  return { version, source: "default", interval, anchorAt, endsAt: null };
}

function keep(
  ctx: Ctx,
  row: { id: string; planId: string; version: number; definition: PlanDefinition },
): PlanVersion {
  const version = { id: row.id, planId: row.planId, version: row.version, definition: row.definition };
  remember(seen, ctx.db, () => new Map<string, PlanVersion>()).set(row.id, version);
  return version;
}

function remember<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known) return known;
  const made = make();
  map.set(key, made);
  return made;
}
