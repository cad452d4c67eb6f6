/**
 * Eviction by S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, SOSP 2023), with sizes. New keys enter a small queue, and leave the cache
 * from there unless they are requested again: neither a scan nor one-hit wonders push out popular keys. Keys that are
 * requested again move to the main queue, and stay while they are requested. The keys that left the small queue are
 * remembered for some time, without their values: if one returns, it enters the main queue at once. A hit only increments a
 * counter; nothing is moved.
 */

const SMALL_SHARE = 0.1;
const MAX_COUNT = 3;
/** A remembered key costs only a map entry. */
const MAX_GHOSTS = 100_000;

interface Entry<V> {
  readonly value: V;
  readonly size: number;
  count: number;
  isSmall: boolean;
}

interface S3FifoOptions<V> {
  /** The limit on the sum of all sizes. */
  readonly limit: number;
  readonly sizeOf: (value: V) => number;
  /** Called for every evicted key, and whether it was requested again; not for deleted and replaced ones. */
  readonly onEvicted?: (key: string, value: V, wasUsed: boolean) => void;
}

export class S3Fifo<V> {
  readonly limit: number;
  readonly #options: S3FifoOptions<V>;
  readonly #entries = new Map<string, Entry<V>>();
  /** Both queues are in order of arrival: a Map finds, deletes and keeps the order. */
  readonly #small = new Map<string, Entry<V>>();
  readonly #main = new Map<string, Entry<V>>();
  readonly #ghosts = new Map<string, number>();
  #ghostSize = 0;
  #smallSize = 0;
  #size = 0;

  constructor(options: S3FifoOptions<V>) {
    this.#options = options;
    this.limit = Math.max(1, options.limit);
  }

  get size(): number {
    return this.#size;
  }

  get count(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  values(): readonly V[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.count < MAX_COUNT) entry.count++;
    return entry.value;
  }

  /** @returns false if the value is too large for this cache. */
  set(key: string, value: V): boolean {
    const size = this.#options.sizeOf(value);
    this.delete(key);
    if (size > this.limit / 2) return false;
    this.makeSpace(size);
    const isSmall = !this.#forgetGhost(key);
    this.#insert(key, { value, size, count: 0, isSmall });
    return true;
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#remove(key, entry);
    return true;
  }

  /** Evicts until `size` more would fit. */
  makeSpace(size: number): void {
    while (this.#size > 0 && this.#size + size > this.limit) {
      if (this.#smallSize > SMALL_SHARE * this.limit || this.#main.size === 0) this.#evictSmall();
      else this.#evictMain();
    }
  }

  #evictSmall(): void {
    for (const [key, entry] of this.#small) {
      this.#remove(key, entry);
      if (entry.count > 0) {
        // It was requested again while it was new, so it moves to the main queue.
        this.#insert(key, { ...entry, count: 0, isSmall: false });
        continue;
      }
      this.#remember(key, entry.size);
      this.#options.onEvicted?.(key, entry.value, false);
      return;
    }
  }

  #evictMain(): void {
    for (const [key, entry] of this.#main) {
      this.#remove(key, entry);
      if (entry.count > 0) {
        this.#insert(key, { ...entry, count: entry.count - 1 });
        continue;
      }
      this.#options.onEvicted?.(key, entry.value, true);
      return;
    }
  }

  #insert(key: string, entry: Entry<V>): void {
    this.#entries.set(key, entry);
    (entry.isSmall ? this.#small : this.#main).set(key, entry);
    this.#size += entry.size;
    if (entry.isSmall) this.#smallSize += entry.size;
  }

  #remove(key: string, entry: Entry<V>): void {
    this.#entries.delete(key);
    (entry.isSmall ? this.#small : this.#main).delete(key);
    this.#size -= entry.size;
    if (entry.isSmall) this.#smallSize -= entry.size;
  }

  /** Remembers as many keys as the main queue could hold. */
  #remember(key: string, size: number): void {
    this.#ghosts.set(key, size);
    this.#ghostSize += size;
    for (const [oldest, oldSize] of this.#ghosts) {
      if (this.#ghostSize <= this.limit && this.#ghosts.size <= MAX_GHOSTS) break;
      this.#ghosts.delete(oldest);
      this.#ghostSize -= oldSize;
    }
  }

  #forgetGhost(key: string): boolean {
    const size = this.#ghosts.get(key);
    if (size === undefined) return false;
    this.#ghosts.delete(key);
    this.#ghostSize -= size;
    return true;
  }
}
