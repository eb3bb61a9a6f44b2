/** Every way Tollgate says no. Closed: a new code must also be mapped in `trpc.ts`. */
export type AppErrorCode =
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "INVALID_INPUT"
  | "UNKNOWN_FEATURE"
  | "IDEMPOTENCY_CONFLICT"
  | "CONFLICT"
  | "IN_PROGRESS"
  | "ALREADY_SUBSCRIBED"
  | "QUOTA_EXCEEDED"
  | "FEATURE_NOT_IN_PLAN"
  | "ACCOUNT_BLOCKED"
  | "RATE_LIMITED"
  | "TIMED_OUT"
  | "CARD_NEEDED"
  | "CODE_UNKNOWN"
  | "CODE_EXPIRED"
  | "CODE_USED_UP"
  | "CODE_NOT_FOR_PLAN"
  | "CODE_BELOW_MINIMUM"
  | "PAYMENT_OVERDUE"
  | "PRICES_NOT_PUSHED"
  | "PAYMENT_PROVIDER"
  | "BUSY";

/** One thing that would let the call through. `costMinor`: what it costs at least, in minor units; null: to be asked. */
export type WayOut = { costMinor: number | null; message: string } & (
  | { kind: "confirm" }
  | { kind: "wait"; until: Date }
  /** `costMinor` is then the difference a month, or the price of a plan that is paid ahead. */
  | { kind: "upgrade"; plan: string }
  | { kind: "buy_credits"; credits: number; packs: { pack: string; count: number }[] }
  /** By at least `costMinor`. */
  | { kind: "raise_spend_cap" }
);

/** Why the gate said no, for machines: carried by QUOTA_EXCEEDED, FEATURE_NOT_IN_PLAN and ACCOUNT_BLOCKED. */
export interface Denial {
  feature: string;
  /** `quota`, `not_in_plan`, `blocked`, `request_cap`, `window_cap`, `spend_cap`, `confirm` or `no_credits`. */
  reason: string;
  used: number;
  /** null: unlimited. */
  limit: number | null;
  /** Units short of what was asked for. */
  missing: number;
  resetsAt: Date | null;
  /** The cheapest plan that would allow it, or null when none is sold. */
  upgradeTo: string | null;
  /** What would let the call through, the cheapest first; empty when nothing of ours would. */
  waysOut: WayOut[];
}

/** Message and advice for people, code for machines, hint for builders. */
export class AppError extends Error {
  readonly code: AppErrorCode;
  /** What whoever reads the message can do, where the message does not say so itself. */
  readonly advice: string | null;
  readonly hint: string | null;
  readonly denial: Denial | null;
  /** The page where paying ends what is in the way: carried by PAYMENT_OVERDUE. */
  readonly payUrl: string | null;

  constructor(
    code: AppErrorCode,
    message: string,
    extra: { advice?: string; hint?: string; denial?: Denial; payUrl?: string | null; cause?: unknown } = {},
  ) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = "AppError";
    this.code = code;
    this.advice = extra.advice ?? null;
    this.hint = extra.hint ?? null;
    this.denial = extra.denial ?? null;
    this.payUrl = extra.payUrl ?? null;
  }
}
