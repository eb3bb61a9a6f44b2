/** Every way Tollgate says no. Closed: a new code must also be mapped in `trpc.ts`. */
export type AppErrorCode =
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "INVALID_INPUT"
  | "UNKNOWN_FEATURE"
  | "IDEMPOTENCY_CONFLICT"
  | "CONFLICT"
  | "ALREADY_SUBSCRIBED"
  | "QUOTA_EXCEEDED"
  | "FEATURE_NOT_IN_PLAN"
  | "ACCOUNT_BLOCKED"
  | "RATE_LIMITED"
  | "PRICES_NOT_PUSHED"
  | "PAYMENT_PROVIDER"
  | "BUSY";

/** Why the gate said no, for machines: carried by QUOTA_EXCEEDED, FEATURE_NOT_IN_PLAN and ACCOUNT_BLOCKED. */
export interface Denial {
  feature: string;
  used: number;
  /** null: unlimited. */
  limit: number | null;
  /** Units short of what was asked for. */
  missing: number;
  resetsAt: Date | null;
  /** The cheapest plan that would allow it, or null when none is sold. */
  upgradeTo: string | null;
}

/** Message for people, code for machines, hint for builders. */
export class AppError extends Error {
  readonly code: AppErrorCode;
  readonly hint: string | null;
  readonly denial: Denial | null;

  constructor(
    code: AppErrorCode,
    message: string,
    extra: { hint?: string; denial?: Denial; cause?: unknown } = {},
  ) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = "AppError";
    this.code = code;
    this.hint = extra.hint ?? null;
    this.denial = extra.denial ?? null;
  }
}
