import type { Costs } from "./quota-policy";

/** What a call says it really used, added up as it goes. */
export class Used {
  #units: number | null = null;
  #costs: Map<string, number> | null = null;

  /** @throws for what is not whole, below 0, or units here and costs there: that is the procedure's mistake */
  add(actual: number | Costs): void {
    const amounts = typeof actual === "number" ? [actual] : Object.values(actual);
    if (!amounts.every((amount) => Number.isSafeInteger(amount) && amount >= 0))
      throw new Error("What was used is charged in whole units, 0 or more.");
    if (typeof actual === "number" ? this.#costs : this.#units !== null)
      throw new Error("What was used is charged in units or in costs, not in both.");
    if (typeof actual === "number") this.#units = (this.#units ?? 0) + actual;
    else this.#addCosts(actual);
  }

  #addCosts(costs: Costs): void {
    this.#costs ??= new Map();
    for (const [kind, amount] of Object.entries(costs))
      this.#costs.set(kind, (this.#costs.get(kind) ?? 0) + amount);
  }

  /** As `commit` takes it; null when nothing was said, not even that nothing was used. */
  total(): { units: number } | { costs: Costs } | null {
    if (this.#costs) return { costs: Object.fromEntries(this.#costs) };
    return this.#units === null ? null : { units: this.#units };
  }
}
