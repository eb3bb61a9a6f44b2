import { and, asc, eq, exists, isNotNull, isNull, lte, not, or } from "drizzle-orm";
import { provenTenantId } from "@/lib/ids";
import { logError } from "@/lib/log";
import { tenantById } from "../accounts/service";
import type { Ctx, TenantCtx } from "../context";
import { inTenant, inTransaction } from "../db/transaction";
import { endPlan } from "../entitlements/end-plan";
import { AppError } from "../errors";
import { carryOutMove } from "./carry-out-move";
import { followPlanMoves } from "./follow-plan-moves";
import type { MoveRow } from "./plan-move-parts";
import { planMoveDirectory, planMoves, planMoveTenants } from "./plan-move-tables";
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

type Due = typeof planMoveDirectory.$inferSelect;

function duePage(ctx: Ctx, until: Date): Promise<Due[]> {
  return inTransaction(ctx, (tx) =>
    tx
      .select()
      .from(planMoveDirectory)
      .where(lte(planMoveDirectory.dueAt, until))
      .orderBy(asc(planMoveDirectory.dueAt), asc(planMoveDirectory.tenant))
      .limit(PAGE),
  );
}

/** One tenant's trouble is not another's: it is logged, and the tenant is looked at again. @returns whether it went well */
async function moveOne(ctx: Ctx, { moveId, tenant }: Due): Promise<boolean> {
  const row = and(eq(planMoveDirectory.moveId, moveId), eq(planMoveDirectory.tenant, tenant));
  const put = (dueAt: Date | null) =>
    inTransaction(ctx, (tx) =>
      tx
        .update(planMoveDirectory)
        .set({ dueAt })
        .where(and(row, lte(planMoveDirectory.dueAt, ctx.now()))),
    );
  const again = new Date(ctx.now().getTime() + AGAIN_MS);
  try {
    await moveTenant({ ...ctx, tenant: await tenantById(ctx, provenTenantId(tenant)) }, moveId);
    await put(again);
    return true;
  } catch (error) {
    const isGone = error instanceof AppError && error.code === "NOT_FOUND";
    if (!isGone) logError("plan moves", error);
    await put(isGone ? null : again);
    return isGone;
  }
}

async function moveTenant(ctx: TenantCtx, moveId: string): Promise<void> {
  const [move] = await inTransaction(ctx, (tx) =>
    tx.select().from(planMoves).where(eq(planMoves.id, moveId)),
  );
  if (!move) return;
  await endPlan(ctx);
  const work = await inTenant(ctx, async (_tx, inner) => {
    const left = await followPlanMoves(inner, joins(move));
    if (isOver(move)) await leaveAlone(inner, moveId);
    return left;
  });
  for (const one of work) await carryOutMove(ctx, one);
  if (work.length > 0) await syncCustomer(ctx);
}

const isOver = ({ status }: MoveRow) => status === "undoing" || status === "undone";
/** Nobody joins what is being undone. */
const joins = (move: MoveRow) => (isOver(move) ? undefined : move);

/** Chosen, and undone before anybody was told: there is nothing to take back. */
async function leaveAlone(ctx: TenantCtx, moveId: string): Promise<void> {
  await inTenant(ctx, async (tx) => {
    const parts = tx
      .select()
      .from(planMoveTenants)
      .where(and(eq(planMoveTenants.tenantId, ctx.tenant.id), eq(planMoveTenants.moveId, moveId)));
    await tx
      .update(planMoveDirectory)
      .set({ dueAt: null })
      .where(
        and(
          eq(planMoveDirectory.moveId, moveId),
          eq(planMoveDirectory.tenant, ctx.tenant.id),
          not(exists(parts)),
        ),
      );
  });
}

/** A move is done when nothing is left to do for anybody, and runs on when something turns up again. */
async function finishMoves(ctx: Ctx): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const open = tx
      .select({ tenant: planMoveDirectory.tenant })
      .from(planMoveDirectory)
      .where(and(eq(planMoveDirectory.moveId, planMoves.id), isNotNull(planMoveDirectory.dueAt)));
    const everyone = or(isNull(planMoves.share), eq(planMoves.share, 100));
    const finishedAt = ctx.now();
    const idle = not(exists(open));
    await tx
      .update(planMoves)
      .set({ status: "done", finishedAt })
      .where(and(eq(planMoves.status, "running"), everyone, idle));
    await tx
      .update(planMoves)
      .set({ status: "undone", finishedAt })
      .where(and(eq(planMoves.status, "undoing"), idle));
    await tx
      .update(planMoves)
      .set({ status: "running", finishedAt: null })
      .where(and(eq(planMoves.status, "done"), exists(open)));
  });
}
