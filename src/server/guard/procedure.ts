import type { FeatureId } from "@/config/plans";
import type { TenantCtx } from "../context";
import { check } from "../quota/check";
import { runConsumeMode } from "./consume-mode";
import { denial } from "./denial";
import type { GatedCtx, GuardedCall, QuotaHandle } from "./guarded-call";
import { runReserveMode } from "./reserve-mode";

/** `.meta({ feature })`: a flag that must be on, or a cap that the input must fit in. */
export type FeaturePolicy =
  | FeatureId
  | {
      feature: FeatureId;
      units: (input: never) => number;
      /** Whether a person agreed to go past a cap that asks first. */
      confirmed?: (input: never) => boolean;
    };

/**
 * Runs one call of a procedure within its quota. A denial is QUOTA_EXCEEDED, FEATURE_NOT_IN_PLAN or ACCOUNT_BLOCKED
 * with its cause, and the procedure is not run. With a key, a call that was answered is not run again either.
 * @throws AppError also IDEMPOTENCY_CONFLICT, IN_PROGRESS, TIMED_OUT
 */
export function runWithinQuota<C extends GatedCtx, R extends { ok: boolean }>(
  call: GuardedCall<C, R>,
): Promise<R> {
  const { policy } = call;
  return policy.mode === "consume" ? runConsumeMode(call) : runReserveMode({ ...call, policy });
}

/** @throws AppError FEATURE_NOT_IN_PLAN when the plan doesn't have it, QUOTA_EXCEEDED when a cap is too small */
export async function requireFeature(ctx: TenantCtx, policy: FeaturePolicy, input: unknown): Promise<void> {
  const { feature, units, confirmed } = typeof policy === "string" ? { ...FLAG, feature: policy } : policy;
  const asked = { feature, units: units(input as never), confirmed: confirmed?.(input as never) };
  const decision = await check(ctx, asked);
  if (!decision.allowed) throw denial(decision);
}

const FLAG: Pick<Exclude<FeaturePolicy, string>, "units" | "confirmed"> = { units: () => 1 };

/** `ctx.quota` of a procedure whose policy names no quota. */
export function noQuota(signal: AbortSignal): QuotaHandle {
  return {
    receipt: null,
    signal,
    charge: () => {
      throw new Error("This procedure has no quota policy to charge by.");
    },
  };
}
