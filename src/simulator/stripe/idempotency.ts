import { createHash } from "node:crypto";
import { StripeApiError } from "./errors";

export interface StoredAnswer {
  status: number;
  body: unknown;
  requestId: string;
}

interface Entry extends StoredAnswer {
  fingerprint: string;
  /** Unix seconds, simulated. */
  createdAt: number;
}

const KEPT_SECONDS = 24 * 3600;

export function fingerprint(method: string, path: string, form: string): string {
  return createHash("sha256").update(`${method} ${path}\n${form}`).digest("hex");
}

/** Stripe's rules for repeated POST requests. Keys are forgotten after a day of simulated time. */
export class IdempotencyKeys {
  private readonly entries: Map<string, Entry>;
  private readonly inFlight = new Map<string, string>();

  constructor(
    private readonly now: () => number,
    saved: Array<[string, Entry]> = [],
  ) {
    this.entries = new Map(saved);
  }

  /**
   * The stored answer for a key, or null after reserving it for this request.
   * @throws StripeApiError 400 when the key was used with other parameters, 409 while it is in use.
   */
  begin(key: string, print: string): StoredAnswer | null {
    if (key.length > 255) {
      throw new StripeApiError(400, { message: "Idempotency keys may be at most 255 characters long." });
    }
    const entry = this.entries.get(key);
    const isExpired = entry && entry.createdAt + KEPT_SECONDS <= this.now();
    if (entry && !isExpired) {
      if (entry.fingerprint !== print) throw mismatch();
      return entry;
    }
    const other = this.inFlight.get(key);
    if (other !== undefined && other !== print) throw mismatch();
    if (other !== undefined) {
      throw new StripeApiError(409, {
        type: "idempotency_error",
        code: "idempotency_key_in_use",
        message: "There is currently another in-progress request using this Idempotent Key.",
      });
    }
    this.inFlight.set(key, print);
    return null;
  }

  /** Ends a request; with an answer, it is kept for replays. */
  finish(key: string, answer: StoredAnswer | null): void {
    const print = this.inFlight.get(key);
    this.inFlight.delete(key);
    if (answer && print !== undefined) {
      this.entries.set(key, { ...answer, fingerprint: print, createdAt: this.now() });
    }
    this.prune();
  }

  toJSON(): Array<[string, Entry]> {
    return [...this.entries];
  }

  // Entries are in order of creation, so the first fresh one ends the search.
  private prune(): void {
    for (const [key, entry] of this.entries) {
      if (entry.createdAt + KEPT_SECONDS > this.now()) return;
      this.entries.delete(key);
    }
  }
}

function mismatch(): StripeApiError {
  return new StripeApiError(400, {
    type: "idempotency_error",
    message:
      "Keys for idempotent requests can only be used with the same parameters they were first used with. " +
      "Try using a key other than the one that was used originally if you meant to execute a different request.",
  });
}
