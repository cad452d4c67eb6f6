import { LRUCache } from 'lru-cache';
import { describe, expect, it } from 'vitest';
import { S3Fifo } from './s3-fifo.ts';

/** Park and Miller's generator, so that every run has the same trace. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Keys by Zipf's law, like the popularity of videos. */
function createZipf(keys: number, random: () => number): () => string {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= keys; rank++) {
    sum += 1 / rank;
    sums.push(sum);
  }
  return () => {
    const point = random() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < point) low = middle + 1;
      else high = middle;
    }
    return `k${low}`;
  };
}

interface Cache {
  get(key: string): unknown;
  set(key: string, value: number): unknown;
}
/** The hit rate of the requests for which `counts` is true. */
function replay(cache: Cache, trace: readonly string[], counts: (key: string) => boolean): number {
  let hits = 0;
  let requests = 0;
  for (const key of trace) {
    const isHit = cache.get(key) !== undefined;
    if (!isHit) cache.set(key, 1);
    if (!counts(key)) continue;
    requests++;
    if (isHit) hits++;
  }
  return hits / requests;
}

const LIMIT = 200;
const s3 = () => new S3Fifo<number>({ limit: LIMIT, sizeOf: () => 1 });
const lru = () => new LRUCache<string, number>({ max: LIMIT });
const isTitle = (key: string): boolean => key.startsWith('k');

describe('S3Fifo', () => {
  it('keeps popular keys through scans, where least-recently-used loses them', () => {
    const next = createZipf(400, createRandom(7));
    const trace: string[] = [];
    let scanned = 0;
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 300; i++) trace.push(next());
      // Somebody copies a complete archive: every file once.
      for (let i = 0; i < 300; i++) trace.push(`scan${scanned++}`);
    }
    const [ours, theirs] = [replay(s3(), trace, isTitle), replay(lru(), trace, isTitle)];
    expect(ours).toBeGreaterThan(theirs + 0.15);
    expect(ours).toBeGreaterThan(0.75);
  });

  it('gives one-hit wonders no more than the small queue', () => {
    const next = createZipf(400, createRandom(11));
    const trace: string[] = [];
    for (let i = 0; i < 40_000; i++) trace.push(i % 2 === 0 ? next() : `once${i}`);
    expect(replay(s3(), trace, isTitle)).toBeGreaterThan(replay(lru(), trace, isTitle) + 0.05);
  });

  it('is no worse than least-recently-used where there is no scan', () => {
    const next = createZipf(2_000, createRandom(13));
    const trace = Array.from({ length: 60_000 }, next);
    expect(replay(s3(), trace, isTitle)).toBeGreaterThan(replay(lru(), trace, isTitle));
  });

  it('never exceeds its limit, and reports every eviction', () => {
    const random = createRandom(3);
    const left: string[] = [];
    const cache = new S3Fifo<number>({
      limit: 1_000,
      sizeOf: size => size,
      onEvicted: key => void left.push(key),
    });
    const present = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const key = `${Math.floor(random() * 300)}`;
      if (random() < 0.05) {
        cache.delete(key);
        present.delete(key);
      } else if (cache.get(key) === undefined && cache.set(key, 1 + Math.floor(random() * 120))) {
        present.add(key);
      }
      for (const gone of left.splice(0)) present.delete(gone);
      expect(cache.size).toBeLessThanOrEqual(1_000);
    }
    expect(new Set(cache.keys())).toEqual(present);
    expect(cache.size).toBe(cache.values().reduce((sum, size) => sum + size, 0));
  });

  it('rejects values above half of its limit, and counts a replaced value once', () => {
    const cache = new S3Fifo<number>({ limit: 100, sizeOf: size => size });
    expect(cache.set('a', 51)).toBe(false);
    expect(cache.set('a', 50)).toBe(true);
    expect(cache.set('a', 20)).toBe(true);
    expect(cache.size).toBe(20);
    expect(cache.count).toBe(1);
  });

  it('evicts even if every key is popular', () => {
    const cache = new S3Fifo<number>({ limit: 10, sizeOf: () => 1 });
    for (let i = 0; i < 10; i++) cache.set(`${i}`, 1);
    for (let round = 0; round < 5; round++) for (let i = 0; i < 10; i++) cache.get(`${i}`);
    cache.set('new', 1);
    expect(cache.size).toBe(10);
    expect(cache.has('new')).toBe(true);
  });
});
