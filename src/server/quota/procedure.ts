import type { FeatureId } from "@/config/plans";
import { newId } from "@/lib/ids";
import type { TenantCtx } from "../context";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { check } from "./check";
import { consume } from "./consume";
import { type Denied, type Receipt, rateLimitHeaders } from "./rules";

/** `.meta({ quota })`: what one call of a procedure costs. Charged in the same transaction as what the call does. */
export interface QuotaPolicy {
  feature: FeatureId;
  /** Whole units above 0, or how to tell from the (still unchecked) input. */
  units: number | ((input: unknown) => number);
  mode: "consume";
}

/** `.meta({ feature })`: a flag that must be on, or a cap that the input must fit in. */
export type FeaturePolicy = FeatureId | { feature: FeatureId; units: (input: unknown) => number };

interface GatedCtx extends TenantCtx {
  request: { headers: Headers; resHeaders: Headers };
}

interface Run<C> {
  ctx: C;
  policy: QuotaPolicy;
  path: string;
  getRawInput: () => Promise<unknown>;
}

/** Thrown to undo the transaction, and unwrapped outside it: tRPC reports failure as a result, not as a throw. */
class Undo extends Error {
  constructor(readonly result: unknown) {
    super("undone");
  }
}

/**
 * Charges, then runs the procedure, in one transaction: when the input is refused or the procedure fails,
 * the charge was never made. A denial is QUOTA_EXCEEDED, FEATURE_NOT_IN_PLAN or ACCOUNT_BLOCKED with its cause.
 */
export async function runWithinQuota<C extends GatedCtx, R extends { ok: boolean }>({
  ctx,
  policy,
  path,
  getRawInput,
  run,
}: Run<C> & { run: (ctx: C & { tx: Tx; receipt: Receipt }) => Promise<R> }): Promise<R> {
  const units = await unitsOf(policy.units, getRawInput);
  const key = ctx.request.headers.get("idempotency-key");
  try {
    return await inTenant(ctx, async (tx, inner) => {
      const receipt = await consume(inner, {
        feature: policy.feature,
        units,
        key: key ? `${path}:${key}` : newId("entry", ctx.now()),
      });
      setHeaders(ctx, receipt);
      if (!receipt.allowed) throw denial(receipt);
      if (receipt.replayed) {
        throw new AppError("CONFLICT", "This request was already carried out.", {
          hint: "The idempotency key was used before; nothing was charged again.",
        });
      }
      const result = await run({ ...inner, tx, receipt });
      if (!result.ok) throw new Undo(result);
      return result;
    });
  } catch (error) {
    if (error instanceof Undo) return error.result as R;
    throw error;
  }
}

/** @throws AppError FEATURE_NOT_IN_PLAN when the plan doesn't have it, QUOTA_EXCEEDED when a cap is too small */
export async function requireFeature(
  ctx: TenantCtx,
  policy: FeaturePolicy,
  getRawInput: () => Promise<unknown>,
): Promise<void> {
  const { feature, units } = typeof policy === "string" ? { feature: policy, units: 1 } : policy;
  const asked = { feature, units: await unitsOf(units, getRawInput) };
  const decision = await check(ctx, asked);
  if (!decision.allowed) throw denial(decision);
}

/** The input is not checked yet: whatever a policy stumbles over is the caller's mistake, not ours. */
async function unitsOf(units: QuotaPolicy["units"], getRawInput: () => Promise<unknown>): Promise<number> {
  if (typeof units === "number") return units;
  const input = await getRawInput();
  try {
    return units(input);
  } catch (error) {
    throw new AppError("INVALID_INPUT", "The request's input is not valid.", { cause: error });
  }
}

const DENIAL_CODES = {
  quota: "QUOTA_EXCEEDED",
  not_in_plan: "FEATURE_NOT_IN_PLAN",
  blocked: "ACCOUNT_BLOCKED",
} as const;

/** A denial as the error that clients get, with everything an upgrade prompt needs. */
export function denial(denied: Denied): AppError {
  const { feature, used, limit, missing, resetsAt, upgradeTo } = denied;
  return new AppError(DENIAL_CODES[denied.reason], denied.message, {
    denial: { feature, used, limit, missing, resetsAt, upgradeTo },
  });
}

export function setHeaders(ctx: GatedCtx, receipt: Receipt): void {
  for (const [name, value] of Object.entries(rateLimitHeaders(receipt, ctx.now())))
    ctx.request.resHeaders.set(name, value);
}
