import { and, eq } from "drizzle-orm";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { entitle } from "../entitlements/entitle";
import { lockPlan } from "../entitlements/follow-plan";
import { audit } from "../events/service";
import { prepaidOf } from "../orders/prepaid";
import { type CurrentPlan, currentPlan, planVersion } from "../plans/service";
import { planPriceMinor } from "../stripe/rules";
import { type MoveRow, type PartRow, partsOf, versionInForce } from "../subscriptions/plan-move-parts";
import { keptVersions, planMoveTenants } from "../subscriptions/plan-move-tables";
import { decidingSubscription } from "../subscriptions/rules";
import { localSubscriptions, type SubscriptionRow } from "../subscriptions/subscription";
import { nextStep, type Standing, type Step } from "./plan-move-rules";
import { tellPlanMove } from "./tell-plan-move";

type WritingCtx = TenantCtx & { tx: Tx };

/** What is to be done at Stripe for one move of a tenant. */
export interface MoveWork {
  moveId: string;
  act: "schedule" | "release";
  version: string;
}

/**
 * Brings the tenant's parts in moves to where they should be: says what is to come, entitles who pays nothing, and sees
 * what became of the rest. Convergent; told by every sync and by cron. What Stripe has to do is left to the caller, and
 * to cron.
 */
export async function followPlanMoves(ctx: WritingCtx): Promise<MoveWork[]> {
  // Most tenants are in no move: they cost one look. The others are looked at again once nobody else can be at them.
  if (!(await partsOf(ctx)).some(mayMove)) return [];
  if (!(await lockPlan(ctx))) return [];
  const rows = (await partsOf(ctx)).filter(mayMove);
  const found = await look(ctx);
  const work: MoveWork[] = [];
  for (const { part, move } of rows) {
    const isNew = part.status === "chosen" && !isUndone(move);
    const from = isNew ? begun(ctx, part, move) : part;
    work.push(...(await follow(ctx, { part: from, move, found })));
  }
  return work;
}

/** What is over for good costs no look. */
function mayMove({ part: { status }, move }: { part: PartRow; move: MoveRow }): boolean {
  if (status === "undone") return false;
  return isUndone(move) ? status !== "kept" && status !== "left" : status !== "moved";
}

const isUndone = ({ status }: MoveRow) => status === "undoing" || status === "undone";

interface Found {
  plan: CurrentPlan;
  /** The version that is paid for, or that the tenant was put on. */
  paid: string;
  deciding: SubscriptionRow | null;
  kept: ReadonlySet<string>;
}

async function look(ctx: WritingCtx): Promise<Found> {
  const plan = await currentPlan(ctx);
  const bySubscription = plan.source === "subscription";
  const deciding = bySubscription ? decidingSubscription(await localSubscriptions(ctx)) : null;
  const term = plan.source === "prepaid" ? (await prepaidOf(ctx)).term : null;
  const kept = await ctx.tx.select().from(keptVersions).where(eq(keptVersions.tenantId, ctx.tenant.id));
  return {
    plan,
    paid: deciding?.planVersion ?? term?.planVersion ?? plan.version.id,
    deciding,
    kept: new Set(kept.map((row) => row.planVersion)),
  };
}

/** The notice counts from when it is told. */
const begun = (ctx: WritingCtx, part: PartRow, { noticeDays }: MoveRow): PartRow => ({
  ...part,
  notBefore: new Date(ctx.now().getTime() + noticeDays * 86_400_000),
});

interface Case {
  part: PartRow;
  move: MoveRow;
  found: Found;
}

async function follow(ctx: WritingCtx, { part, move, found }: Case): Promise<MoveWork[]> {
  const { definition } = await planVersion(ctx, isUndone(move) ? part.fromVersion : part.toVersion);
  const standing = await standingOf(ctx, part, found);
  const { interval = "month" } = standing.subscription ?? {};
  const isSold = () => planPriceMinor(definition.plan, interval) !== null;
  const terms = { effective: move.effective, isUndone: isUndone(move), isSold };
  const step = nextStep(part, standing, terms, ctx.now());
  await write(ctx, part, step);
  if (step.act === "entitle") await entitleTo(ctx, step.version, found);
  else if (step.inForce !== (part.inForceAt !== null))
    await entitleTo(ctx, await versionInForce(ctx, found.paid), found);
  await tellPlanMove(ctx, { part, step, deciding: found.deciding });
  const isAtStripe = step.act === "schedule" || step.act === "release";
  return isAtStripe ? [{ moveId: part.moveId, act: step.act as MoveWork["act"], version: step.version }] : [];
}

async function standingOf(ctx: WritingCtx, part: PartRow, found: Found): Promise<Standing> {
  const { plan, deciding, paid, kept } = found;
  return {
    source: plan.source,
    version: await versionInForce(ctx, paid, part.moveId),
    endsAt: plan.endsAt,
    isKept: kept.has(part.fromVersion),
    subscription: deciding && {
      status: deciding.status,
      interval: deciding.interval,
      periodEndsAt: deciding.currentPeriodEndsAt,
      cancelAt: deciding.cancelAt,
      coming:
        deciding.changeKind && deciding.changeAt
          ? { kind: deciding.changeKind, version: deciding.changePlanVersion, at: deciding.changeAt }
          : null,
    },
  };
}

async function write(ctx: WritingCtx, part: PartRow, step: Step): Promise<void> {
  const { status, effectiveAt, why, dueAt } = step;
  const { tenantId, moveId, notBefore } = part;
  const now = ctx.now();
  const inForceAt = step.inForce ? (part.inForceAt ?? now) : null;
  await ctx.tx
    .update(planMoveTenants)
    .set({ status, notBefore, effectiveAt, inForceAt, why, dueAt, updatedAt: now })
    .where(and(eq(planMoveTenants.tenantId, tenantId), eq(planMoveTenants.moveId, moveId)));
  if (status === part.status) return;
  const details = { from: part.fromVersion, to: part.toVersion, ...(why ? { why } : {}) };
  await audit(ctx, { action: `plan_move.${status}`, subject: moveId, details });
}

/** Everything else about the tenant's plan stays as it is. */
function entitleTo(ctx: WritingCtx, planVersionId: string, { plan }: Found): Promise<void> {
  const { source, interval, anchorAt, endsAt } = plan;
  return entitle(ctx, { planVersionId, source, interval, anchorAt, ...(endsAt ? { endsAt } : {}) });
}
