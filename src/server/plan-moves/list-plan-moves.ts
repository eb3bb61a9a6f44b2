import { desc, eq, lt, sql } from "drizzle-orm";
import type { Ctx } from "../context";
import { inTransaction } from "../db/transaction";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import type { MoveRow, PartRow } from "../subscriptions/plan-move-parts";
import { planMoves } from "../subscriptions/plan-move-tables";
import { type PlanMoveInput, type PlanMovesInput, planMoveInput, planMovesInput } from "./inputs";

const PER_PAGE = 50;

/** Moves of everyone on a version, newest first. @throws AppError INVALID_INPUT */
export async function listPlanMoves(
  ctx: Ctx,
  input: PlanMovesInput,
): Promise<{ moves: MoveRow[]; next: string | null }> {
  const { before } = parseInput(planMovesInput, input);
  const rows = await inTransaction(ctx, (tx) =>
    tx
      .select()
      .from(planMoves)
      .where(before ? lt(planMoves.id, before) : undefined)
      .orderBy(desc(planMoves.id))
      .limit(PER_PAGE + 1),
  );
  const moves = rows.slice(0, PER_PAGE);
  return { moves, next: rows.length > PER_PAGE ? (moves.at(-1)?.id ?? null) : null };
}

export interface PlanMoveView {
  move: MoveRow;
  /** Workspaces by how far they are; who was chosen and not looked at yet is in none. */
  counts: Record<string, number>;
  workspaces: (Pick<PartRow, "fromVersion" | "status" | "effectiveAt" | "why"> & { workspaceId: string })[];
  next: string | null;
}

/** One move, how far it is, and a page of its workspaces. @throws AppError NOT_FOUND, INVALID_INPUT */
export async function planMoveOf(ctx: Ctx, input: PlanMoveInput): Promise<PlanMoveView> {
  const { moveId, after } = parseInput(planMoveInput, input);
  return inTransaction(ctx, async (tx) => {
    const [move] = await tx.select().from(planMoves).where(eq(planMoves.id, moveId));
    if (!move) throw new AppError("NOT_FOUND", "There is no such move.");
    const counts = await tx.execute<{ status: string; tenants: string }>(
      sql`select * from plan_move_counts(${moveId})`,
    );
    const rows = await tx.execute<{
      tenant_id: string;
      from_version: string;
      status: PartRow["status"];
      effective_at: string | null;
      why: string | null;
    }>(sql`select * from plan_move_page(${moveId}, ${after}, ${PER_PAGE + 1})`);
    const workspaces = rows.slice(0, PER_PAGE).map((row) => ({
      workspaceId: row.tenant_id,
      fromVersion: row.from_version,
      status: row.status,
      effectiveAt: row.effective_at ? new Date(row.effective_at) : null,
      why: row.why,
    }));
    return {
      move,
      counts: Object.fromEntries(counts.map(({ status, tenants }) => [status, Number(tenants)])),
      workspaces,
      next: rows.length > PER_PAGE ? (workspaces.at(-1)?.workspaceId ?? null) : null,
    };
  });
}
