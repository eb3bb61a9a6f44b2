import type { Ctx, TenantCtx } from "../context";
import { awaitCredits, withdrawAwaited } from "../credits/awaited-credits";
import { correctCredits } from "../credits/correct-credits";
import { grantCredits } from "../credits/grant-credits";
import { createCode, endCode } from "../credits/promo-codes";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { deed } from "./deed";
import {
  type CompensateInput,
  type CorrectInput,
  compensateInput,
  correctInput,
  grantInput,
  type KeepForInput,
  keepForInput,
  type MakeCodeInput,
  makeCodeInput,
  type OperatorGrantInput,
  type StopCodeInput,
  stopCodeInput,
  type WithdrawInput,
  withdrawInput,
} from "./inputs";

/** Gives a workspace credits. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function grant(ctx: TenantCtx, input: OperatorGrantInput) {
  const wish = parseInput(grantInput, input);
  const { credits, kind, expiresAt, key } = wish;
  return deed(ctx, { action: "operator.granted", input: wish }, async (inner) => {
    if (expiresAt && expiresAt <= ctx.now())
      throw new AppError("INVALID_INPUT", "The credits would expire before they could be spent.");
    const source = `operator:${key}`;
    const { lotId } = await grantCredits(inner, { amount: credits, kind, source, expiresAt });
    return { lotId, credits, kind };
  });
}

/** Makes up for something that went wrong. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export function compensate(ctx: TenantCtx, input: CompensateInput) {
  return grant(ctx, { ...parseInput(compensateInput, input), kind: "compensation" });
}

/** Takes credits back: see `credits/correct-credits.ts`. @throws AppError NOT_FOUND, INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function correct(ctx: TenantCtx, input: CorrectInput) {
  const wish = parseInput(correctInput, input);
  const { credits, lotId, reason } = wish;
  return deed(ctx, { action: "operator.corrected", input: wish }, async (inner) => ({
    credits,
    lotId: lotId ?? null,
    ...(await correctCredits(inner, { credits, lotId, reason })),
  }));
}

/** @throws AppError INVALID_INPUT, CONFLICT, IDEMPOTENCY_CONFLICT */
export async function makeCode(ctx: Ctx, input: MakeCodeInput) {
  const wish = parseInput(makeCodeInput, input);
  const { key: _key, ...terms } = wish;
  return deed(ctx, { action: "operator.made_code", input: wish }, async (inner) => {
    const { code } = await createCode(inner, terms);
    return { code };
  });
}

/** @throws AppError NOT_FOUND, IDEMPOTENCY_CONFLICT */
export async function stopCode(ctx: Ctx, input: StopCodeInput) {
  const wish = parseInput(stopCodeInput, input);
  return deed(ctx, { action: "operator.ended_code", input: wish }, async (inner) => {
    await endCode(inner, wish);
    return { code: wish.code };
  });
}

/** Credits for somebody who has not signed up yet. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function keepFor(ctx: Ctx, input: KeepForInput) {
  const wish = parseInput(keepForInput, input);
  const { key: _key, ...terms } = wish;
  return deed(ctx, { action: "operator.kept_credits", input: wish }, async (inner) => {
    const { id } = await awaitCredits(inner, terms);
    return { id };
  });
}

/** @throws AppError NOT_FOUND, CONFLICT, IDEMPOTENCY_CONFLICT */
export async function withdraw(ctx: Ctx, input: WithdrawInput) {
  const wish = parseInput(withdrawInput, input);
  return deed(ctx, { action: "operator.withdrew_credits", input: wish }, async (inner) => {
    await withdrawAwaited(inner, wish);
    return { id: wish.id };
  });
}
