/** A budget that refills steadily, so that a client can use a burst but not more than its share in the long run. */
export interface BudgetOptions {
  /** The size of a burst. */
  readonly max: number;
  readonly refillPerS: number;
}

export class Budget {
  readonly #max: number;
  readonly #perMs: number;
  #left: number;
  #atMs: number;

  constructor({ max, refillPerS }: BudgetOptions, nowMs: number) {
    this.#max = max;
    this.#perMs = refillPerS / 1_000;
    this.#left = max;
    this.#atMs = nowMs;
  }

  /** Takes `amount`, which is at most `max`. @returns 0, or the milliseconds until there is enough */
  take(amount: number, nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#left = Math.min(this.#max, this.#left + passedMs * this.#perMs);
    this.#atMs = nowMs;
    if (amount > this.#left) return Math.ceil((amount - this.#left) / this.#perMs);
    this.#left -= amount;
    return 0;
  }
}
