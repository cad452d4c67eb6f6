/**
 * Counts keys for a limited time in bounded memory. It keeps two generations and drops the older one when the younger
 * is full or has expired, so a count is kept for one to two lifetimes, or less if there are many keys. It uses plain
 * arrays of numbers, because every new viewer is counted and this creates no garbage. No I/O; time is an argument.
 */
import { randomInt } from 'node:crypto';

export class RollingCounter {
  readonly #max: number;
  readonly #lifeMs: number;
  #young: Generation;
  #old: Generation;
  #startedAtMs = Number.NEGATIVE_INFINITY;

  /** @param max keys of one generation */
  constructor(max: number, lifeMs: number) {
    this.#max = max;
    this.#lifeMs = lifeMs;
    this.#young = new Generation(max);
    this.#old = new Generation(max);
  }

  /**
   * `key` has 32 bits. @returns the number of times it was counted in the last one to two lifetimes, including this
   * time.
   */
  add(key: number, nowMs: number): number {
    this.#expire(nowMs);
    if (this.#young.size >= this.#max && this.#young.count(key) === 0) this.#rotate(nowMs);
    return this.#young.add(key) + this.#old.count(key);
  }

  has(key: number, nowMs: number): boolean {
    this.#expire(nowMs);
    return this.#young.count(key) + this.#old.count(key) > 0;
  }

  #expire(nowMs: number): void {
    if (nowMs - this.#startedAtMs < this.#lifeMs) return;
    // The younger generation is also older than one lifetime.
    if (nowMs - this.#startedAtMs >= 2 * this.#lifeMs) this.#young.clear();
    this.#rotate(nowMs);
  }

  #rotate(nowMs: number): void {
    const oldest = this.#old;
    this.#old = this.#young;
    oldest.clear();
    this.#young = oldest;
    this.#startedAtMs = nowMs;
  }
}

/** A hash table with open addressing, at most half full. */
class Generation {
  /** A random seed prevents chosen keys from colliding. */
  readonly #seed = randomInt(2 ** 32);
  readonly #keys: Int32Array;
  /** 0 marks a free slot. */
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
