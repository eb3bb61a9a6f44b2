import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import { newId } from "@/lib/ids";
import { tenantNamed } from "../accounts/service";
import { actorName, type Ctx } from "../context";
import type { Tx } from "../db/client";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import type { PlanDefinition, PlanVersion } from "../plans/rules";
import { planVersion } from "../plans/service";
import { planVersions } from "../plans/tables";
import { priceIdOfVersion } from "../stripe/prices";
import { INTERVALS, planPriceMinor } from "../stripe/rules";
import type { MoveRow } from "../subscriptions/plan-move-parts";
import { planMoves } from "../subscriptions/plan-move-tables";
import { type MovePlanInput, movePlanInput, type UndoMoveInput, undoMoveInput } from "./inputs";

type Wish = ReturnType<typeof movePlanInput.parse>;
type DeedCtx = Ctx & { tx: Tx };

/** Any constant: operators who choose tenants at once take turns, so that nobody is chosen for two moves. */
const CHOOSING = 7_204_814;
const DAY_MS = 86_400_000;

/**
 * That Stripe has the new price, before anybody is told of it. Asked before the deed, for it waits for Stripe.
 * @throws AppError NOT_FOUND, INVALID_INPUT, PRICES_NOT_PUSHED, PAYMENT_PROVIDER
 */
export async function assertPricesPushed(ctx: Ctx, input: MovePlanInput): Promise<void> {
  const target = await planVersion(ctx, parseInput(movePlanInput, input).to);
  for (const interval of INTERVALS)
    if (planPriceMinor(target.definition.plan, interval) !== null)
      await priceIdOfVersion(ctx, target, interval);
}

export interface Chosen {
  moveId: string;
  /** Workspaces that were chosen now, and in all. */
  chosen: number;
  chosenInAll: number;
}

/**
 * Chooses whom a move takes along: makes the move, or another stage of the same one. Each workspace is chosen once; who
 * keeps its version for good, or is in another move, is passed by. What follows for each is cron's work.
 * @throws AppError INVALID_INPUT, CONFLICT (other terms than the move's), NOT_FOUND (a version or workspace)
 */
export async function movePlan(ctx: DeedCtx, input: MovePlanInput, reason: string): Promise<Chosen> {
  const wish = parseInput(movePlanInput, input);
  const versions = await movableFrom(ctx, wish);
  await ctx.tx.execute(sql`select pg_advisory_xact_lock(${CHOOSING})`);
  const move = await moveOf(ctx, wish, reason);
  const isChoosing = wish.share !== undefined || wish.workspaces !== undefined;
  const chosen = isChoosing ? await choose(ctx, move, wish, versions) : 0;
  const [all] = await ctx.tx.execute<{ tenants: string }>(
    sql`select coalesce(sum(tenants), 0) as tenants from plan_move_counts(${move.id})`,
  );
  return { moveId: move.id, chosen, chosenInAll: Number(all!.tenants) };
}

/** Versions of the same plan that are paid for in the same way. */
async function movableFrom(ctx: DeedCtx, { from, to }: Wish): Promise<string[]> {
  const target = await planVersion(ctx, to);
  if (from && !isMovable((await planVersion(ctx, from)).definition, target, from))
    throw new AppError("INVALID_INPUT", "Tenants move between versions of one plan, paid for in one way.");
  if (from) return [from];
  const rows = await ctx.tx.select().from(planVersions).where(eq(planVersions.planId, target.planId));
  return rows.filter(({ id, definition }) => isMovable(definition, target, id)).map(({ id }) => id);
}

function isMovable(
  { plan, currency }: PlanDefinition,
  { id, definition }: PlanVersion,
  from: string,
): boolean {
  const { plan: to, currency: toCurrency } = definition;
  return from !== id && plan.id === to.id && plan.price.kind === to.price.kind && currency === toCurrency;
}

/** The open move from there to there, whose terms were told and hold. */
async function moveOf(ctx: DeedCtx, wish: Wish, reason: string): Promise<MoveRow> {
  const { from, to, effective, noticeDays } = wish;
  const [known] = await ctx.tx
    .select()
    .from(planMoves)
    .where(
      and(
        from ? eq(planMoves.fromVersion, from) : isNull(planMoves.fromVersion),
        eq(planMoves.toVersion, to),
        inArray(planMoves.status, ["planned", "running", "done"]),
      ),
    );
  if (known && (known.effective !== effective || known.noticeDays !== noticeDays))
    throw new AppError("CONFLICT", "This move is under way on other terms.", {
      hint: `${known.id}: effective ${known.effective}, ${known.noticeDays} days' notice.`,
    });
  if (known) return known;
  const now = ctx.now();
  const [made] = await ctx.tx
    .insert(planMoves)
    .values({
      id: newId("planMove", now),
      fromVersion: from ?? null,
      toVersion: to,
      effective,
      noticeDays,
      status: "planned",
      reason,
      createdBy: actorName(ctx.actor),
      createdAt: now,
    })
    .returning();
  return made!;
}

/** A share is of all who are in the move or could be, rounded up. */
async function choose(ctx: DeedCtx, move: MoveRow, wish: Wish, versions: string[]): Promise<number> {
  const stage = move.stage + 1;
  const { share, workspaces } = wish;
  const named = workspaces ? await tenantsNamed(ctx, workspaces) : null;
  const now = ctx.now();
  const notBefore = new Date(now.getTime() + move.noticeDays * DAY_MS);
  const [row] = await ctx.tx.execute<{ chosen: string }>(
    sql`select plan_move_choose(${move.id}, ${move.toVersion}, ${textArray(versions)}, ${named && textArray(named)}, ${share ?? 0}::int, ${stage}::int,
      ${notBefore.toISOString()}::timestamptz, ${now.toISOString()}::timestamptz) as chosen`,
  );
  await ctx.tx
    .update(planMoves)
    .set({ stage, status: "running", finishedAt: null, ...(share ? { share } : {}) })
    .where(eq(planMoves.id, move.id));
  return Number(row!.chosen);
}

const textArray = (texts: readonly string[]) =>
  sql`array(select jsonb_array_elements_text(${JSON.stringify(texts)}::jsonb))`;

/** @throws AppError NOT_FOUND */
async function tenantsNamed(ctx: Ctx, slugs: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const slug of slugs) found.push((await tenantNamed({ ...ctx, tx: undefined }, slug)).id);
  return found;
}

/**
 * Takes a move back. Who was told is told that it is off; who was moved goes back to its old version: at once where
 * nothing is charged by itself, and with the next renewal where the new price was paid.
 * @throws AppError NOT_FOUND
 */
export async function undoMove(
  ctx: DeedCtx,
  input: UndoMoveInput,
): Promise<{ moveId: string; status: string }> {
  const { moveId } = parseInput(undoMoveInput, input);
  const ofMove = eq(planMoves.id, moveId);
  const [move] = await ctx.tx.select().from(planMoves).where(ofMove).for("no key update");
  if (!move) throw new AppError("NOT_FOUND", "There is no such move.");
  if (move.status === "undoing" || move.status === "undone") return { moveId, status: move.status };
  await ctx.tx.update(planMoves).set({ status: "undoing", finishedAt: null }).where(ofMove);
  await ctx.tx.execute(sql`select plan_move_wake(${moveId}, ${ctx.now().toISOString()}::timestamptz)`);
  return { moveId, status: "undoing" };
}
