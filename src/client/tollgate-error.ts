import type { Denial, ErrorCode } from "./wire";

/** `UNREACHABLE`: no answer, in time, after every attempt. `UNEXPECTED_ANSWER`: something else than Tollgate answered. */
export type TollgateErrorCode = ErrorCode | "UNREACHABLE" | "UNEXPECTED_ANSWER";

interface Details {
  advice?: string | null;
  hint?: string | null;
  denial?: Denial | null;
  httpStatus?: number | null;
  cause?: unknown;
}

/**
 * Everything the client throws but an abort of your own. `message` and `advice` are for people, `code` for machines, `hint`
 * for builders.
 */
export class TollgateError extends Error {
  readonly code: TollgateErrorCode;
  /** What is used, what is missing and when it resets, when the gate said no; null for every other error. */
  readonly denial: Denial | null;
  /** What people can do, where the message does not say so itself. */
  readonly advice: string | null;
  readonly hint: string | null;
  /** null: there was no answer. */
  readonly httpStatus: number | null;

  constructor(code: TollgateErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "TollgateError";
    this.code = code;
    this.advice = details.advice ?? null;
    this.hint = details.hint ?? null;
    this.denial = details.denial ?? null;
    this.httpStatus = details.httpStatus ?? null;
  }

  /** true: nothing was decided, or the decision is not known. The same call with the same key may be made again. */
  get undecided(): boolean {
    return this.code === "UNREACHABLE" || (this.httpStatus !== null && this.httpStatus >= 500);
  }
}
