import { and, eq, isNull, lte, not, or, sql } from "drizzle-orm";
import { logError } from "@/lib/log";
import type { Ctx, TenantCtx } from "../context";
import { inTenant, inTransaction } from "../db/transaction";
import { endPlan } from "../entitlements/end-plan";
import { carryOutMove } from "../plan-moves/carry-out-move";
import { followPlanMoves } from "../plan-moves/follow-plan-moves";
import { tenantListed } from "../plans/jobs";
import { planMoves, planMoveTenants } from "../subscriptions/plan-move-tables";
import { syncCustomer } from "./sync";

/** Each may wait for Stripe, so a few go side by side. */
const AT_ONCE = 4;
const PAGE = 100;
/** More would not fit into one cron call; the rest waits for the next. */
const PER_RUN = 1_000;
/** What went wrong, or is held up, is looked at again after so long. */
const AGAIN_MS = 10 * 60_000;

/**
 * Cron: takes moves of plans further, tenant by tenant: who was chosen is told, whose notice is over is moved, who is to
 * go back goes back. Safe late, twice, by two runners at once, and after a crash anywhere.
 */
export async function moveTenants(ctx: Ctx): Promise<{ planMoves: number; planMovesFailed: number }> {
  const done = { planMoves: 0, planMovesFailed: 0 };
  const until = ctx.now();
  for (let seen = 0; seen < PER_RUN; seen += PAGE) {
    const page = await duePage(ctx, until);
    const waiting = [...page];
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        if (await moveOne(ctx, next)) done.planMoves += 1;
        else done.planMovesFailed += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (page.length < PAGE) break;
  }
  await finishMoves(ctx);
  return done;
}

interface Due {
  tenantId: string;
  moveId: string;
}

async function duePage(ctx: Ctx, until: Date): Promise<Due[]> {
  const rows = await inTransaction(ctx, (tx) =>
    tx.execute<{ tenant_id: string; move_id: string }>(
      sql`select tenant_id, move_id from plan_moves_due(${until.toISOString()}::timestamptz, ${PAGE})`,
    ),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, moveId: row.move_id }));
}

/** One tenant's trouble is not another's: it is logged, and the tenant is looked at again. @returns whether it went well */
async function moveOne(ctx: Ctx, { tenantId, moveId }: Due): Promise<boolean> {
  try {
    const tenant = await tenantListed(ctx, tenantId);
    const failure = await moveTenant(tenant).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    await lookAgain(tenant, moveId);
    if (failure) throw failure.error;
    return true;
  } catch (error) {
    logError("plan moves", error);
    return false;
  }
}

async function moveTenant(ctx: TenantCtx): Promise<void> {
  await endPlan(ctx);
  const work = await inTenant(ctx, (_tx, inner) => followPlanMoves(inner));
  for (const one of work) await carryOutMove(ctx, one);
  if (work.length > 0) await syncCustomer(ctx);
}

/** What is due still was held up. */
async function lookAgain(ctx: TenantCtx, moveId: string): Promise<void> {
  const now = ctx.now();
  await inTenant(ctx, (tx) =>
    tx
      .update(planMoveTenants)
      .set({ dueAt: new Date(now.getTime() + AGAIN_MS) })
      .where(
        and(
          eq(planMoveTenants.tenantId, ctx.tenant.id),
          eq(planMoveTenants.moveId, moveId),
          lte(planMoveTenants.dueAt, now),
        ),
      ),
  );
}

/** A move is done when nothing is left to do for anybody, and runs on when something turns up again. */
async function finishMoves(ctx: Ctx): Promise<void> {
  const isOpen = sql`plan_move_is_open(${planMoves.id})`;
  const everyone = or(isNull(planMoves.share), eq(planMoves.share, 100));
  const finishedAt = ctx.now();
  await inTransaction(ctx, async (tx) => {
    await tx
      .update(planMoves)
      .set({ status: "done", finishedAt })
      .where(and(eq(planMoves.status, "running"), everyone, not(isOpen)));
    await tx
      .update(planMoves)
      .set({ status: "undone", finishedAt })
      .where(and(eq(planMoves.status, "undoing"), not(isOpen)));
    await tx
      .update(planMoves)
      .set({ status: "running", finishedAt: null })
      .where(and(eq(planMoves.status, "done"), isOpen));
  });
}
