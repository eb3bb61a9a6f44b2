import { AppError, type AppErrorCode } from "../errors";
import type { DenialReason, Denied } from "../quota/rules";
import type { GatedCtx } from "./guarded-call";
import type { Told } from "./standing";
import { told } from "./told";

const CODES: Record<DenialReason, AppErrorCode> = {
  quota: "QUOTA_EXCEEDED",
  no_credits: "QUOTA_EXCEEDED",
  not_in_plan: "FEATURE_NOT_IN_PLAN",
  blocked: "ACCOUNT_BLOCKED",
  request_cap: "QUOTA_EXCEEDED",
  window_cap: "QUOTA_EXCEEDED",
  spend_cap: "QUOTA_EXCEEDED",
  confirm: "QUOTA_EXCEEDED",
};

/** A denial as the error that clients get, with everything an upgrade prompt needs. */
export function denial(denied: Denied): AppError {
  const { feature, reason, used, limit, missing, resetsAt, upgradeTo, waysOut } = denied;
  return new AppError(CODES[reason], denied.message, {
    denial: { feature, reason, used, limit, missing, resetsAt, upgradeTo, waysOut },
  });
}

/** Refuses a call, with where the feature stands in the headers. @throws AppError the denial */
export function refuse(ctx: GatedCtx, denied: Denied): never {
  throw denial(told(ctx, denied));
}

/** What a verb allowed, with where the feature stands now in the headers. @throws AppError the denial */
export function unlessDenied<T extends Told & { allowed: true }>(ctx: GatedCtx, answer: T | Denied): T {
  return answer.allowed ? told(ctx, answer) : refuse(ctx, answer);
}
