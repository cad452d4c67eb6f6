import { expect, test } from 'vitest';
import { Tally } from './rolling-counter.ts';

const LIFE_MS = 1_000;

test('counts for one lifetime or two, and then no more', () => {
  const tally = new Tally(10, LIFE_MS);
  expect([tally.add(1, 0), tally.add(1, 900), tally.add(2, 900)]).toEqual([1, 2, 1]);
  expect(tally.add(1, 1_900)).toBe(3);
  expect([tally.has(2, 1_900), tally.has(3, 1_900)]).toEqual([true, false]);
  // Of what was counted in the first lifetime nothing is left in the third.
  expect(tally.add(1, 2_950)).toBe(2);
  expect(tally.has(2, 2_950)).toBe(false);
  expect(tally.has(1, 60_000)).toBe(false);
});

test('is bounded: the newest are kept', () => {
  const tally = new Tally(10, LIFE_MS);
  for (let key = 0; key < 1_000; key++) tally.add(key, 0);
  const kept = Array.from({ length: 1_000 }, (_, key) => key).filter(key => tally.has(key, 0));
  expect(kept.length).toBeGreaterThanOrEqual(10);
  expect(kept.length).toBeLessThanOrEqual(20);
  expect(kept).toEqual(kept.map((_, at) => 1_000 - kept.length + at));
});
