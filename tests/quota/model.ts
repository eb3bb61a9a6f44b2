/** The gate's rules once more, as plainly as they can be said: what the real one is compared with. */
export interface ModelLot {
  unit: "compute" | "credits";
  remaining: number;
  priority: number;
  expiresAtMs: number | null;
  startsAtMs: number;
  order: number;
}

export class Model {
  used = 0;
  windowEndsAtMs: number;
  readonly lots: ModelLot[] = [];
  readonly keys = new Map<string, number>();

  constructor(
    readonly allowance: number,
    readonly windowMs: number,
    startsAtMs: number,
  ) {
    this.windowEndsAtMs = startsAtMs + windowMs;
  }

  grant(
    unit: ModelLot["unit"],
    amount: number,
    priority: number,
    nowMs: number,
    expiresAtMs: number | null,
  ): void {
    this.lots.push({
      unit,
      remaining: amount,
      priority,
      expiresAtMs,
      startsAtMs: nowMs,
      order: this.lots.length,
    });
  }

  /** What is drawn: from the allowance, from compute lots, from credits; null when there is not enough. */
  draw(
    units: number,
    nowMs: number,
    write: boolean,
  ): { allowance: number; lots: number; credits: number } | null {
    this.#roll(nowMs);
    const allowance = Math.min(units, Math.max(this.allowance - this.used, 0));
    const own = this.#pick("compute", units - allowance, nowMs);
    const credits = this.#pick("credits", units - allowance - own.total, nowMs);
    if (allowance + own.total + credits.total < units) return null;
    if (write) {
      this.used += allowance;
      for (const { lot, amount } of [...own.picked, ...credits.picked]) lot.remaining -= amount;
    }
    return { allowance, lots: own.total, credits: credits.total };
  }

  available(unit: ModelLot["unit"], nowMs: number): number {
    return this.#pick(unit, Number.MAX_SAFE_INTEGER, nowMs).total;
  }

  #roll(nowMs: number): void {
    if (nowMs < this.windowEndsAtMs) return;
    this.used = 0;
    while (this.windowEndsAtMs <= nowMs) this.windowEndsAtMs += this.windowMs;
  }

  #pick(
    unit: ModelLot["unit"],
    wanted: number,
    nowMs: number,
  ): { total: number; picked: { lot: ModelLot; amount: number }[] } {
    const live = this.lots.filter(
      (lot) =>
        lot.unit === unit && lot.remaining > 0 && (lot.expiresAtMs === null || lot.expiresAtMs > nowMs),
    );
    live.sort(
      (a, b) =>
        a.priority - b.priority ||
        (a.expiresAtMs ?? Number.MAX_SAFE_INTEGER) - (b.expiresAtMs ?? Number.MAX_SAFE_INTEGER) ||
        a.startsAtMs - b.startsAtMs ||
        a.order - b.order,
    );
    const picked: { lot: ModelLot; amount: number }[] = [];
    let total = 0;
    for (const lot of live) {
      const amount = Math.min(lot.remaining, wanted - total);
      if (amount === 0) break;
      picked.push({ lot, amount });
      total += amount;
    }
    return { total, picked };
  }
}
