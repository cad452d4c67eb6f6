import { expect, it } from 'vitest';
import { chooseLoadLimitMs } from './load-limit.ts';

const fast = { segmentSeconds: 4, lowestBitrateBps: 1e6, throughputBps: 20e6, timeoutsInARow: 0 };

it('allows six seconds for a segment', () => {
  expect(chooseLoadLimitMs(fast)).toBe(6_000);
});
it('allows a slow connection the time that it needs, up to a minute', () => {
  expect(chooseLoadLimitMs({ ...fast, throughputBps: 0.8e6 })).toBe(12_500);
  expect(chooseLoadLimitMs({ ...fast, throughputBps: 1_000 })).toBe(60_000);
});
it('doubles with every timeout in a row', () => {
  expect(chooseLoadLimitMs({ ...fast, timeoutsInARow: 1 })).toBe(12_000);
  expect(chooseLoadLimitMs({ ...fast, timeoutsInARow: 2 })).toBe(24_000);
  expect(chooseLoadLimitMs({ ...fast, timeoutsInARow: 20 })).toBe(60_000);
});
it('does not depend on an unknown throughput', () => {
  expect(chooseLoadLimitMs({ ...fast, throughputBps: 0 })).toBe(6_000);
});
