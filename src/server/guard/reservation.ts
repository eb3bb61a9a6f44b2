import { logError } from "@/lib/log";
import type { Tx } from "../db/client";
import { inTenant } from "../db/transaction";
import { AppError } from "../errors";
import { commit } from "../quota/commit";
import { releaseHold } from "../quota/release-hold";
import type { Consumed } from "../quota/rules";
import { dropClaim, type KeyedCall, keepAnswer } from "./answers";
import type { GatedCtx, QuotaHandle } from "./guarded-call";
import { tellStanding } from "./standing";
import { Used } from "./used";

/** While the database is away, what was done must not be forgotten too soon. */
const SETTLE_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 100;

interface Held {
  ctx: GatedCtx;
  receipt: Consumed & { holdId: string };
  keyed: KeyedCall | null;
  timeoutSeconds: number;
  /** Of the request. */
  signal: AbortSignal;
}

/**
 * How the work ended. `done`: to its end, with an answer that may be given again. `part`: before its end, but some of
 * it was used. `unused`: nothing of it was.
 */
type End = { kind: "done"; answer: { data: unknown } | null } | { kind: "part" } | { kind: "unused" };

/** Units that are set aside for one call, and the one settling of them. */
export class Reservation {
  /** Aborts when the time is up. */
  readonly timeUp: AbortSignal;
  readonly handle: QuotaHandle;
  readonly #held: Held;
  readonly #timer: NodeJS.Timeout;
  readonly #used = new Used();
  #settled: Promise<void> | null = null;

  constructor(held: Held) {
    const clock = new AbortController();
    const timedOut = new AppError("TIMED_OUT", "This took too long and was given up.");
    this.#held = held;
    this.#timer = setTimeout(() => clock.abort(timedOut), held.timeoutSeconds * 1_000);
    this.#timer.unref();
    this.timeUp = clock.signal;
    this.handle = {
      receipt: held.receipt,
      signal: AbortSignal.any([held.signal, clock.signal]),
      charge: (actual) => {
        if (this.#settled)
          throw new Error("This call is settled: what it uses now can't be charged any more.");
        this.#used.add(actual);
      },
    };
  }

  /** Whether the call said what it used, be it nothing. */
  get said(): boolean {
    return this.#used.total() !== null;
  }

  /** Charges or gives back, once; told again, it is the same settling. @throws AppError BUSY when the database is away */
  settle(end: End): Promise<void> {
    this.#settled ??= this.#settleInTheEnd(end);
    return this.#settled;
  }

  async #settleInTheEnd(end: End): Promise<void> {
    clearTimeout(this.#timer);
    const { ctx, receipt } = this.#held;
    for (let attempt = 1; ; attempt += 1) {
      try {
        tellStanding(ctx, await inTenant(ctx, (_tx, inner) => this.#settleOnce(inner, end)));
        return;
      } catch (error) {
        const mayPass = error instanceof AppError && error.code === "BUSY";
        if (mayPass && attempt < SETTLE_ATTEMPTS) {
          await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt));
          continue;
        }
        logError(`quota: ${receipt.holdId} was not settled (${end.kind})`, error);
        if (mayPass || end.kind === "unused") throw error;
        // A cost without a rate, say: the procedure's mistake, so the call failed, whatever the work came to.
        await inTenant(ctx, (_tx, inner) => this.#settleOnce(inner, { kind: "unused" }));
        throw new Error("What this call used can't be charged: see the log.");
      }
    }
  }

  async #settleOnce(ctx: GatedCtx & { tx: Tx }, end: End) {
    const { keyed, receipt } = this.#held;
    const { holdId } = receipt;
    if (keyed && end.kind === "done") await keepAnswer(ctx, keyed, holdId, end.answer);
    if (keyed && end.kind !== "done") await dropClaim(ctx, keyed, holdId);
    if (end.kind === "unused") return releaseHold(ctx, { holdId });
    return commit(ctx, { holdId, ...this.#used.total() });
  }
}
