/**
 * Counts by key for a while, in bounded memory: in two generations, of which the older is dropped when the younger is full or
 * has lived its time. A count lives for one to two lifetimes, or less where there are many. Keys are numbers, so that keeping
 * one for each viewer who begins makes no garbage. No I/O; time is an argument.
 */
export class Tally {
  readonly #max: number;
  readonly #lifeMs: number;
  #young = new Map<number, number>();
  #old = new Map<number, number>();
  #bornAtMs = Number.NEGATIVE_INFINITY;

  /** @param max keys of one generation */
  constructor(max: number, lifeMs: number) {
    this.#max = max;
    this.#lifeMs = lifeMs;
  }

  /** @returns how often it was counted in one lifetime or two, this time included. */
  add(key: number, nowMs: number): number {
    this.#age(nowMs);
    const before = this.#young.get(key);
    if (before === undefined && this.#young.size >= this.#max) this.#turn(nowMs);
    const count = (before ?? 0) + 1;
    this.#young.set(key, count);
    return count + (this.#old.get(key) ?? 0);
  }

  has(key: number, nowMs: number): boolean {
    this.#age(nowMs);
    return this.#young.has(key) || this.#old.has(key);
  }

  #age(nowMs: number): void {
    if (nowMs - this.#bornAtMs < this.#lifeMs) return;
    // Nothing of the younger generation is of this lifetime or the one before.
    if (nowMs - this.#bornAtMs >= 2 * this.#lifeMs) this.#young = new Map();
    this.#turn(nowMs);
  }

  #turn(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#bornAtMs = nowMs;
  }
}
