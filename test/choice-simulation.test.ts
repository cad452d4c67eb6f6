/** A few hours of viewers on the real choice and memory; `npm run simulate:choice` runs days. */
import { expect, test, vi } from 'vitest';
import { type Scenario, simulate } from './simulation/choice/simulate.ts';

const SHORT: Scenario = { seed: 1, days: 0.12, sites: 8, networks: 24, viewers: 40 };
const SEEDS = [1, 2, 3, 4];
/** Ten seconds each on a machine at rest. */
vi.setConfig({ testTimeout: 180_000 });

/**
 * Over seeds 1 to 14 it was 0.94 to 0.99 of the oracle, and 1.01 to 1.29 times what `nearest` gives. In seeds 3 and 4 the picture
 * stands still for longer than with `nearest` where viewers do not go home, or nobody finds out how their home is.
 */
test.each(SEEDS)('seed %i: auto within a tenth of the oracle, and never worse than nearest', seed => {
  const run = (tracker: Parameters<typeof simulate>[0]) => simulate(tracker, { ...SHORT, seed });
  const [auto, nearest, oracle] = [run('auto'), run('nearest'), run('oracle')];
  expect(auto.segments).toBeGreaterThan(10_000);
  expect(auto.throughputBps / oracle.throughputBps).toBeGreaterThan(0.9);
  expect(auto.throughputBps).toBeGreaterThanOrEqual(nearest.throughputBps);
  expect(auto.bitrateBps).toBeGreaterThanOrEqual(nearest.bitrateBps);
  expect(auto.stallSPerHour).toBeLessThanOrEqual(nearest.stallSPerHour);
});

test('the same seed is the same run', () => {
  const tiny = { ...SHORT, days: 0.01 };
  expect(simulate('auto', tiny)).toEqual(simulate('auto', tiny));
});
