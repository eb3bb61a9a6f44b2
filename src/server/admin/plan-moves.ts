import type { Ctx, TenantCtx } from "../context";
import { parseInput } from "../parse";
import * as kept from "../plan-moves/kept-version";
import * as moves from "../plan-moves/move-plan";
import { deed } from "./deed";
import * as inputs from "./inputs";

/**
 * Moves everyone, or a share, from one version of a plan to another, or takes the next stage of such a move: see
 * `plan-moves/move-plan.ts`.
 * @throws AppError NOT_FOUND, INVALID_INPUT, CONFLICT, PRICES_NOT_PUSHED, PAYMENT_PROVIDER, IDEMPOTENCY_CONFLICT
 */
export async function movePlan(ctx: Ctx, input: inputs.MovePlanInput) {
  const wish = parseInput(inputs.movePlanInput, input);
  const { key: _key, reason, ...terms } = wish;
  await moves.assertPricesPushed(ctx, terms);
  return deed(ctx, { action: "operator.moved_plan", input: wish }, async (inner) => ({
    ...(await moves.movePlan(inner, terms, reason)),
  }));
}

/** Takes a move back. @throws AppError NOT_FOUND, IDEMPOTENCY_CONFLICT */
export async function undoMove(ctx: Ctx, input: inputs.UndoMoveInput) {
  const wish = parseInput(inputs.undoMoveInput, input);
  const { moveId } = wish;
  return deed(ctx, { action: "operator.undid_move", input: wish }, (inner) =>
    moves.undoMove(inner, { moveId }),
  );
}

/** Lets a workspace keep its version for good, whoever is moved. @throws AppError NOT_FOUND, IDEMPOTENCY_CONFLICT */
export async function keepVersion(ctx: TenantCtx, input: inputs.KeepVersionInput) {
  const wish = parseInput(inputs.keepVersionInput, input);
  const { key: _key, reason, ...which } = wish;
  return deed(ctx, { action: "operator.kept_version", input: wish }, (inner) =>
    kept.keepVersion(inner, which, reason),
  );
}

/** Ends that: the next move takes the workspace along. @throws AppError NOT_FOUND, IDEMPOTENCY_CONFLICT */
export async function unkeepVersion(ctx: TenantCtx, input: inputs.KeepVersionInput) {
  const wish = parseInput(inputs.keepVersionInput, input);
  const { key: _key, reason: _reason, ...which } = wish;
  return deed(ctx, { action: "operator.unkept_version", input: wish }, (inner) =>
    kept.unkeepVersion(inner, which),
  );
}
