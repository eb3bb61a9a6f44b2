import type { Ctx, TenantCtx } from "../context";
import * as awaited from "../credits/awaited-credits";
import { correctCredits } from "../credits/correct-credits";
import { grantCredits } from "../credits/grant-credits";
import * as codes from "../credits/promo-codes";
import { block, unblock } from "../entitlements/block";
import * as overrides from "../entitlements/override";
import * as zone from "../entitlements/time-zone";
import { AppError } from "../errors";
import { parseInput } from "../parse";
import { refund } from "../quota/refund";
import { replayEvents } from "../webhooks/replay";
import { deed } from "./deed";
import * as inputs from "./inputs";

/** The reason a tenant is told; why it came to that stands in the audit. */
const SUSPENDED = "suspended";

/** Gives a workspace credits. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function grant(ctx: TenantCtx, input: inputs.GrantInput) {
  const wish = parseInput(inputs.grantInput, input);
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
export function compensate(ctx: TenantCtx, input: inputs.CompensateInput) {
  return grant(ctx, { ...parseInput(inputs.compensateInput, input), kind: "compensation" });
}

/** Takes credits back: see `credits/correct-credits.ts`. @throws AppError NOT_FOUND, INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function correct(ctx: TenantCtx, input: inputs.CorrectInput) {
  const wish = parseInput(inputs.correctInput, input);
  const { credits, lotId, reason } = wish;
  return deed(ctx, { action: "operator.corrected", input: wish }, async (inner) => ({
    credits,
    lotId: lotId ?? null,
    ...(await correctCredits(inner, { credits, lotId, reason })),
  }));
}

/**
 * Gives back what a use was charged, wholly or in part, to where it came from: see `quota/refund.ts`. No tenant may do
 * that for itself. `lapsed` units went back to nothing, since their lot or window is over.
 * @throws AppError NOT_FOUND, INVALID_INPUT, CONFLICT (more than is left of the charge), IDEMPOTENCY_CONFLICT
 */
export async function refundUsage(ctx: TenantCtx, input: inputs.RefundUsageInput) {
  const wish = parseInput(inputs.refundUsageInput, input);
  return deed(ctx, { action: "operator.refunded_usage", input: wish }, async (inner) => {
    const made = await refund(inner, { ...wish, key: `operator:${wish.key}` });
    const { entryId, feature, units, returned, lapsed } = made;
    return { entryId, feature, units, credits: returned.credits, lapsed };
  });
}

/** A limit of the workspace's own: see `entitlements/override.ts`. @throws AppError UNKNOWN_FEATURE, INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function setOverride(ctx: TenantCtx, input: inputs.SetOverrideInput) {
  const { key, ...terms } = parseInput(inputs.setOverrideInput, input);
  return deed(ctx, { action: "operator.set_override", input: { key, ...terms } }, async (inner) => {
    const { overrideId, limit, expiresAt } = await overrides.setOverride(inner, terms);
    return { overrideId, limit, expiresAt: expiresAt?.toISOString() ?? null };
  });
}

/** The plan's limit holds again. @throws AppError UNKNOWN_FEATURE, NOT_FOUND when none was set, IDEMPOTENCY_CONFLICT */
export async function endOverride(ctx: TenantCtx, input: inputs.EndOverrideInput) {
  const { key, ...terms } = parseInput(inputs.endOverrideInput, input);
  return deed(ctx, { action: "operator.ended_override", input: { key, ...terms } }, (inner) =>
    overrides.endOverride(inner, terms),
  );
}

/** Stops all that the workspace consumes; what it has stays its own. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function suspend(ctx: TenantCtx, input: inputs.SuspendInput) {
  const wish = parseInput(inputs.suspendInput, input);
  return deed(ctx, { action: "operator.suspended", input: wish }, async (inner) => {
    await block(inner, { reason: SUSPENDED });
    return { suspended: true };
  });
}

/** Takes the suspension away, and no other block: debts and payments have their own. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function unsuspend(ctx: TenantCtx, input: inputs.SuspendInput) {
  const wish = parseInput(inputs.suspendInput, input);
  return deed(ctx, { action: "operator.unsuspended", input: wish }, async (inner) => {
    await unblock(inner, { reason: SUSPENDED });
    return { suspended: false };
  });
}

/** Moves the workspace's windows too: see `entitlements/README.md`. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function setTimeZone(ctx: TenantCtx, input: inputs.SetTimeZoneInput) {
  const wish = parseInput(inputs.setTimeZoneInput, input);
  const { timeZone } = wish;
  return deed(ctx, { action: "operator.set_time_zone", input: wish }, async (inner) => {
    await zone.setTimeZone(inner, { timeZone });
    return { timeZone };
  });
}

/** @throws AppError INVALID_INPUT, CONFLICT, IDEMPOTENCY_CONFLICT */
export async function createCode(ctx: Ctx, input: inputs.CreateCodeInput) {
  const { key, ...terms } = parseInput(inputs.createCodeInput, input);
  return deed(ctx, { action: "operator.created_code", input: { key, ...terms } }, async (inner) => {
    const { code } = await codes.createCode(inner, terms);
    return { code };
  });
}

/** @throws AppError NOT_FOUND, IDEMPOTENCY_CONFLICT */
export async function endCode(ctx: Ctx, input: inputs.EndCodeInput) {
  const wish = parseInput(inputs.endCodeInput, input);
  return deed(ctx, { action: "operator.ended_code", input: wish }, async (inner) => {
    await codes.endCode(inner, wish);
    return { code: wish.code };
  });
}

/** Credits for somebody who has not signed up yet. @throws AppError INVALID_INPUT, IDEMPOTENCY_CONFLICT */
export async function awaitCredits(ctx: Ctx, input: inputs.AwaitCreditsInput) {
  const { key, ...terms } = parseInput(inputs.awaitCreditsInput, input);
  return deed(ctx, { action: "operator.awaited_credits", input: { key, ...terms } }, async (inner) => {
    const { id } = await awaited.awaitCredits(inner, terms);
    return { id };
  });
}

/** @throws AppError NOT_FOUND, CONFLICT when they were claimed, IDEMPOTENCY_CONFLICT */
export async function withdrawAwaited(ctx: Ctx, input: inputs.WithdrawAwaitedInput) {
  const wish = parseInput(inputs.withdrawAwaitedInput, input);
  return deed(ctx, { action: "operator.withdrew_credits", input: wish }, async (inner) => {
    await awaited.withdrawAwaited(inner, wish);
    return { id: wish.id };
  });
}

/** Has webhook events worked off again: see `webhooks/replay.ts`. @throws AppError NOT_FOUND, IDEMPOTENCY_CONFLICT */
export async function replayWebhooks(ctx: Ctx, input: inputs.ReplayWebhooksInput) {
  const wish = parseInput(inputs.replayWebhooksInput, input);
  const { key: _key, reason: _reason, ...which } = wish;
  return deed(ctx, { action: "operator.replayed_webhooks", input: wish }, (inner) =>
    replayEvents(inner, which),
  );
}
