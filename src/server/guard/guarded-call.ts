import type { TenantCtx } from "../context";
import { AppError } from "../errors";
import type { Consumed } from "../quota/rules";
import { type KeyedCall, keyedCall } from "./answers";
import type { Costs, QuotaPolicy } from "./quota-policy";

export interface GatedCtx extends TenantCtx {
  request: { headers: Headers; resHeaders: Headers };
}

/** `ctx.quota` of a procedure. */
export interface QuotaHandle {
  /** Of what was charged, or set aside, before the procedure ran; null where its policy names no quota. */
  receipt: Consumed | null;
  /** Aborts when the caller is gone or the policy's time is up. Hand it to everything that takes long. */
  signal: AbortSignal;
  /**
   * Adds to what the call really used: units, or costs by kind. In mode `reserve` only; a call that never says it is
   * charged what was set aside.
   */
  charge(actual: number | Costs): void;
}

/** One call of a procedure with a quota policy. */
export interface GuardedCall<C extends GatedCtx, R extends { ok: boolean }> {
  ctx: C;
  policy: QuotaPolicy;
  path: string;
  /** As the procedure's own schema made it. */
  input: unknown;
  signal: AbortSignal;
  /** The call's place in its request. */
  batchIndex: number;
  /** Runs the procedure. tRPC reports failure as a result, not as a throw. */
  run: (ctx: C & { quota: QuotaHandle }) => Promise<R>;
  /** A result that was not made by running the procedure. */
  answered: (data: unknown) => R;
}

/** What makes the call the same as another; null when nothing does, and it runs whenever it is made. */
export function callKey<C extends GatedCtx, R extends { ok: boolean }>(
  call: GuardedCall<C, R>,
): KeyedCall | null {
  const { policy, path, input, batchIndex } = call;
  const key = policy.key ? policy.key(input as never) : idempotencyKey(call.ctx.request.headers, batchIndex);
  return key === null ? null : keyedCall(path, key, input);
}

const QUOTED = /^"((?:[ !#-[\]-~]|\\["\\])+)"$/;
const BARE = /^[!#-~]+$/;

/**
 * The `Idempotency-Key` of a request: a quoted string (IETF draft-ietf-httpapi-idempotency-key-header), or bare, as
 * most clients send it. It names the request: of a batch, each call by its place. @throws AppError INVALID_INPUT
 */
export function idempotencyKey(headers: Headers, batchIndex = 0): string | null {
  const sent = headers.get("idempotency-key");
  if (sent === null) return null;
  const place = batchIndex > 0 ? `#${batchIndex}` : "";
  const quoted = QUOTED.exec(sent)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(["\\])/g, "$1") + place;
  if (BARE.test(sent)) return sent + place;
  throw new AppError("INVALID_INPUT", "The Idempotency-Key header is not valid.", {
    hint: 'Printable ASCII: Idempotency-Key: "8e03978e-40d5-43e8-bc93-6894a57f9324"',
  });
}

/** An answer that comes bit by bit. */
export function isStream(data: unknown): data is AsyncIterable<unknown> {
  return typeof data === "object" && data !== null && Symbol.asyncIterator in data;
}

/** Parts of it come later: nobody could say when the work is done. */
export function isDeferred(data: unknown): boolean {
  if (typeof data !== "object" || data === null || isStream(data)) return false;
  return Object.values(data).some((value) => isStream(value) || value instanceof Promise);
}
