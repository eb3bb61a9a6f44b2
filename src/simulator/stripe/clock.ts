/** Simulated time. Everything but webhook signatures, which Stripe's SDK checks against real time, uses it. */
export class Clock {
  private pinnedUnix: number | null = null;

  constructor(
    private readonly base: () => Date,
    private offsetMs = 0,
    /** Moves the base itself, where that is a clock that others live by too. */
    private readonly moveBase?: (at: Date) => void,
  ) {
    if (!moveBase || offsetMs === 0) return;
    // It was ahead of a base that could not be moved then.
    moveBase(new Date(base().getTime() + offsetMs));
    this.offsetMs = 0;
  }

  /** Unix seconds. */
  now(): number {
    return this.pinnedUnix ?? Math.floor((this.base().getTime() + this.offsetMs) / 1000);
  }

  /** Runs `work` with the clock standing at an instant (unix seconds), so late work is stamped with its own time. */
  at<T>(unix: number, work: () => T): T {
    const outer = this.pinnedUnix;
    this.pinnedUnix = unix;
    try {
      return work();
    } finally {
      this.pinnedUnix = outer;
    }
  }

  /** Moves forward to an instant (unix seconds); never backward. */
  moveTo(unix: number): void {
    if (unix <= this.now()) return;
    if (this.moveBase) this.moveBase(new Date(unix * 1000));
    else this.offsetMs = unix * 1000 - this.base().getTime();
  }

  /** Milliseconds added to the base clock; survives a restart. */
  toJSON(): number {
    return this.offsetMs;
  }
}
