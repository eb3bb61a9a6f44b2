import { and, asc, desc, eq, inArray, isNotNull, lte, or, sql } from "drizzle-orm";
import type { Feature } from "@/lib/price-list";
import { apiKeys, members, users } from "../accounts/tables";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError, type WayOut } from "../errors";
import { entries, holds, lots } from "../ledger/tables";
import { parseInput } from "../parse";
import type { PlanDefinition } from "../plans/rules";
import { planVersion } from "../plans/service";
import { overrides } from "../plans/tables";
import { explainSentences } from "./explain-words";
import type { ChainLink, DrawnLot, Explanation, OverBecause } from "./explanation";
import { type ExplainInput, explainInput } from "./inputs";
import { waysOut } from "./ways-out";

type ReadingCtx = TenantCtx & { tx: Tx };
type Entry = typeof entries.$inferSelect;
/**
 * Why an entry is what it is: the stored receipt with everything it points to. Nothing is decided anew, but for what
 * would help against a denial today.
 * @throws AppError NOT_FOUND for an id that is unknown, another tenant's, or archived
 */
export async function explain(ctx: TenantCtx, input: ExplainInput): Promise<Explanation> {
  const { entryId } = parseInput(explainInput, input);
  return inTenant(ctx, async (_tx, inner) => {
    const [entry] = await inner.tx.select().from(entries).where(ofEntry(ctx, entryId));
    if (!entry)
      throw new AppError("NOT_FOUND", "There is no such entry in this workspace.", {
        hint: "Old entries may have been archived: their partition is no longer in this database.",
      });
    const facts = await factsOf(inner, entry);
    return { ...facts, sentences: explainSentences(facts, ctx.tenant.timeZone, ctx.now()) };
  });
}

async function factsOf(ctx: ReadingCtx, entry: Entry): Promise<Omit<Explanation, "sentences">> {
  const chain = await chainOf(ctx, entry);
  const hold = await holdOf(ctx, entry.parentId ?? entry.id);
  const definition = entry.planVersion ? (await planVersion(ctx, entry.planVersion)).definition : null;
  const rule = definition ? ruleOf(definition, entry.feature) : null;
  const { usedAfter, grantedAfter, windowStartsAt, windowEndsAt } = entry;
  return {
    entryId: entry.id,
    operation: entry.operation,
    createdAt: entry.createdAt,
    feature: featureOf(ctx, entry.feature, rule),
    units: entry.units,
    breakdown: entry.breakdown,
    actor: await actorOf(ctx, entry.actor),
    plan: definition && {
      version: entry.planVersion!,
      name: definition.plan.name,
      limit: definition.plan.limits[entry.feature] ?? null,
      rule,
    },
    override: await overrideAt(ctx, entry.feature, entry.createdAt),
    balance: usedAfter === null ? null : { used: usedAfter, limit: grantedAfter },
    window: windowStartsAt && { startsAt: windowStartsAt, resetsAt: windowEndsAt },
    drawn: {
      allowance: entry.allowanceUnits,
      lots: await drawnLots(ctx, entry),
      lotUnits: entry.lotUnits,
      credits: entry.credits,
      over: entry.overUnits,
      uncharged: entry.unchargedUnits,
    },
    overBecause: entry.overUnits === 0 ? null : overBecause(entry, rule, hold),
    currency: definition?.currency ?? ctx.prices.currency,
    crossed: entry.crossed,
    reason: entry.reason,
    hold,
    parentId: entry.parentId,
    chain,
    properties: entry.properties,
    waysOut: entry.operation === "deny" ? waysOutOf(ctx, entry) : [],
  };
}

/** A hold or charge stands first; what settled it or took it back follows. */
async function chainOf(ctx: ReadingCtx, entry: Entry): Promise<ChainLink[]> {
  const root = entry.parentId ?? entry.id;
  const rows = await ctx.tx
    .select()
    .from(entries)
    .where(
      and(
        eq(entries.tenantId, ctx.tenant.id),
        or(
          eq(entries.id, root),
          and(isNotNull(entries.parentId), inArray(entries.parentId, [root, entry.id])),
        ),
      ),
    )
    .orderBy(asc(entries.createdAt), asc(entries.id));
  return rows.map(({ id, operation, units, createdAt }) => ({ entryId: id, operation, units, createdAt }));
}

async function holdOf(ctx: ReadingCtx, id: string): Promise<Explanation["hold"]> {
  const { status, overflow, units, expiresAt } = holds;
  const [row] = await ctx.tx
    .select({ status, overflow, units, expiresAt })
    .from(holds)
    .where(and(eq(holds.tenantId, ctx.tenant.id), eq(holds.id, id)));
  return row ?? null;
}

function ruleOf({ features }: PlanDefinition, id: string): Feature | null {
  return Object.hasOwn(features, id) ? (features[id] ?? null) : null;
}

function featureOf(ctx: TenantCtx, id: string, rule: Feature | null): Explanation["feature"] {
  if (id === "credits") return { id, name: "Credits", unit: "credit", kind: "credits" };
  const known = rule ?? (Object.hasOwn(ctx.prices.features, id) ? ctx.prices.features[id] : undefined);
  return { id, name: known?.name ?? id, unit: known?.unit ?? "unit", kind: known?.kind ?? "meter" };
}

/** `user:usr_…` with the name that a member or a key of this tenant goes by. */
async function actorOf(ctx: ReadingCtx, actor: string): Promise<Explanation["actor"]> {
  const at = actor.indexOf(":");
  const [kind, id] = at < 0 ? [actor, ""] : [actor.slice(0, at), actor.slice(at + 1)];
  if (kind === "user") {
    const [row] = await ctx.tx
      .select({ name: users.name, email: users.email })
      .from(members)
      .innerJoin(users, eq(users.id, members.userId))
      .where(and(eq(members.tenantId, ctx.tenant.id), eq(members.userId, id)));
    return { kind, id, name: row?.name ?? row?.email ?? null };
  }
  if (kind !== "api_key") return { kind, id, name: null };
  const [row] = await ctx.tx
    .select({ name: apiKeys.name })
    .from(apiKeys)
    .where(and(eq(apiKeys.tenantId, ctx.tenant.id), eq(apiKeys.id, id)));
  return { kind, id, name: row?.name ?? null };
}

/** From the instant it was made until it expired or was ended, whichever came first. */
async function overrideAt(ctx: ReadingCtx, feature: string, at: Date): Promise<Explanation["override"]> {
  const [row] = await ctx.tx
    .select()
    .from(overrides)
    .where(
      and(
        eq(overrides.tenantId, ctx.tenant.id),
        eq(overrides.feature, feature),
        lte(overrides.createdAt, at),
        sql`${at.toISOString()}::timestamptz < coalesce(least(${overrides.expiresAt}, ${overrides.endedAt}), 'infinity')`,
      ),
    )
    .orderBy(desc(overrides.id))
    .limit(1);
  if (!row) return null;
  const { id, limit, reason, actor, createdAt, expiresAt } = row;
  return { overrideId: id, limit, reason, actor, createdAt, expiresAt };
}

/** In the order of the draw. The entry that made a lot counts as having given it its units. */
async function drawnLots(ctx: ReadingCtx, entry: Entry): Promise<DrawnLot[]> {
  const made = entry.operation === "grant" ? entry.properties?.lotId : undefined;
  const ids = typeof made === "string" ? [made] : (entry.lotIds ?? []);
  const draws = typeof made === "string" ? [-entry.units] : (entry.lotDraws ?? []);
  if (ids.length === 0) return [];
  const rows = await ctx.tx
    .select()
    .from(lots)
    .where(and(eq(lots.tenantId, ctx.tenant.id), inArray(lots.id, ids)));
  return ids.flatMap((lotId, at) => {
    const lot = rows.find((row) => row.id === lotId);
    if (!lot) return [];
    const { unit, kind, source, expiresAt } = lot;
    return [{ lotId, unit, kind, source, expiresAt, units: draws[at] ?? 0 }];
  });
}

function overBecause(entry: Entry, rule: Feature | null, hold: Explanation["hold"]): OverBecause {
  if (rule?.kind === "meter" && rule.overflow.to === "overage") return "overage";
  if (entry.operation === "commit" && hold?.overflow === "overflow") return "settled";
  const onLimit = rule && "onLimit" in rule ? rule.onLimit : undefined;
  return onLimit === "prompt" ? "confirmed" : "warn";
}

/** What is missing is not kept: without lots and credits, it is what the allowance left open. */
function waysOutOf(ctx: TenantCtx, entry: Entry): WayOut[] {
  const used = entry.usedAfter ?? 0;
  const left = entry.grantedAfter === null ? 0 : Math.max(entry.grantedAfter - used, 0);
  const resetsAt = entry.windowEndsAt && entry.windowEndsAt > ctx.now() ? entry.windowEndsAt : null;
  return waysOut(ctx.prices, {
    feature: entry.feature,
    units: entry.units,
    reason: entry.reason ?? "quota",
    used,
    limit: entry.grantedAfter,
    missing: Math.max(entry.units - left, 1),
    resetsAt,
    planId: entry.planVersion?.split("@")[0] ?? ctx.prices.defaultPlan,
  });
}

const ofEntry = (ctx: TenantCtx, id: string) => and(eq(entries.tenantId, ctx.tenant.id), eq(entries.id, id));
