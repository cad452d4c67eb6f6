/** Simulates a few hours of viewers with the real choice and memory; `npm run simulate:choice` simulates days. */
import { expect, test, vi } from 'vitest';
import { type Scenario, simulate } from './simulation/choice/simulate.ts';

const SHORT: Scenario = { seed: 1, days: 0.12, sites: 8, networks: 24, viewers: 40 };
const SEEDS = [1, 2, 3, 4];
/** Each test takes about ten seconds on an idle machine. */
vi.setConfig({ testTimeout: 180_000 });

/**
 * With seeds 1 to 14 the throughput is 0.94 to 0.99 of the oracle's and 1.01 to 1.29 times that of `nearest`. With seeds 3 and 4
 * there is more stalling than with `nearest` if viewers do not return to their primary site, or if nobody measures it.
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
