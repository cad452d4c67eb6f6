/**
 * Counts by key for a while, in bounded memory: in two generations, of which the older is dropped when the younger is full or
 * has lived its time. A count lives for one to two lifetimes, or less where there are many. Plain rows of numbers, because one
 * is kept for each viewer who begins, and makes no garbage so. No I/O; time is an argument.
 */
import { randomInt } from 'node:crypto';

export class Tally {
  readonly #max: number;
  readonly #lifeMs: number;
  #young: Generation;
  #old: Generation;
  #bornAtMs = Number.NEGATIVE_INFINITY;

  /** @param max keys of one generation */
  constructor(max: number, lifeMs: number) {
    this.#max = max;
    this.#lifeMs = lifeMs;
    this.#young = new Generation(max);
    this.#old = new Generation(max);
  }

  /** `key`: 32 bits. @returns how often it was counted in one lifetime or two, this time included. */
  add(key: number, nowMs: number): number {
    this.#age(nowMs);
    if (this.#young.size >= this.#max && this.#young.count(key) === 0) this.#turn(nowMs);
    return this.#young.add(key) + this.#old.count(key);
  }

  has(key: number, nowMs: number): boolean {
    this.#age(nowMs);
    return this.#young.count(key) + this.#old.count(key) > 0;
  }

  #age(nowMs: number): void {
    if (nowMs - this.#bornAtMs < this.#lifeMs) return;
    // Nothing of the younger generation is of this lifetime or the one before.
    if (nowMs - this.#bornAtMs >= 2 * this.#lifeMs) this.#young.clear();
    this.#turn(nowMs);
  }

  #turn(nowMs: number): void {
    const oldest = this.#old;
    this.#old = this.#young;
    oldest.clear();
    this.#young = oldest;
    this.#bornAtMs = nowMs;
  }
}

/** Open addressing, at most half full. */
class Generation {
  /** So that nobody can choose keys that stand in each other's way. */
  readonly #seed = randomInt(2 ** 32);
  readonly #keys: Int32Array;
  /** 0: the slot is free. */
  readonly #counts: Uint32Array;
  size = 0;

  constructor(max: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * max));
    this.#keys = new Int32Array(slots);
    this.#counts = new Uint32Array(slots);
  }

  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(key ^ this.#seed, 0x9e3779b1) >>> 7;
    for (slot &= mask; this.#counts[slot] !== 0 && this.#keys[slot] !== key; ) slot = (slot + 1) & mask;
    return slot;
  }

  count(key: number): number {
    return this.#counts[this.#slotOf(key | 0)] as number;
  }

  add(key: number): number {
    const slot = this.#slotOf(key | 0);
    if (this.#counts[slot] === 0) this.size++;
    this.#keys[slot] = key;
    this.#counts[slot] = (this.#counts[slot] as number) + 1;
    return this.#counts[slot] as number;
  }

  clear(): void {
    this.#counts.fill(0);
    this.size = 0;
  }
}
