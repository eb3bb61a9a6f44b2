import { createHash, randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function toBase62(bytes: Buffer, length: number): string {
  return Array.from({ length }, (_, index) => ALPHABET[bytes[index % bytes.length]! % 62]).join("");
}

/** Makes ids that look like Stripe's; with a seed, the same ones in every run. */
export class IdSource {
  constructor(
    private readonly seed: string | undefined,
    private readonly counters: Record<string, number> = {},
  ) {}

  /** For example `next("cus", 14)` → `cus_Tq3…`. The n-th id of a prefix depends on seed, prefix and n only. */
  next(prefix: string, length: number): string {
    return prefix ? `${prefix}_${this.token(prefix, length)}` : this.token("plain", length);
  }

  /** The bare random part, for client secrets and signing secrets. */
  token(purpose: string, length: number): string {
    if (this.seed === undefined) return toBase62(randomBytes(length), length);
    return toBase62(
      createHash("sha512")
        .update(`${this.seed}:${purpose}:${this.count(purpose)}`)
        .digest(),
      length,
    );
  }

  /** The next number of a sequence, starting at 1. */
  count(sequence: string): number {
    const next = (this.counters[sequence] ?? 0) + 1;
    this.counters[sequence] = next;
    return next;
  }

  /** What must survive a restart. */
  toJSON(): Record<string, number> {
    return this.counters;
  }
}
