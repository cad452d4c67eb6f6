import { expect, test } from 'vitest';
import { RollingCounter } from './rolling-counter.ts';

const LIFE_MS = 1_000;

test('counts are kept for one to two lifetimes', () => {
  const counter = new RollingCounter(10, LIFE_MS);
  expect([counter.add(1, 0), counter.add(1, 900), counter.add(2, 900)]).toEqual([1, 2, 1]);
  expect(counter.add(1, 1_900)).toBe(3);
  expect([counter.has(2, 1_900), counter.has(3, 1_900)]).toEqual([true, false]);
  // Nothing from the first lifetime is left in the third.
  expect(counter.add(1, 2_950)).toBe(2);
  expect(counter.has(2, 2_950)).toBe(false);
  expect(counter.has(1, 60_000)).toBe(false);
});

test('is bounded and keeps the newest keys', () => {
  const counter = new RollingCounter(10, LIFE_MS);
  for (let key = 0; key < 1_000; key++) counter.add(key, 0);
  const kept = Array.from({ length: 1_000 }, (_, key) => key).filter(key => counter.has(key, 0));
  expect(kept.length).toBeGreaterThanOrEqual(10);
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept).toEqual(kept.map((_, at) => 1_000 - kept.length + at));
});
