/** A few hours of viewers on the real choice and memory; `npm run simulate:choice` runs days. */
import { expect, test } from 'vitest';
import { type Scenario, simulate } from './simulation/choice/simulate.ts';

const SHORT: Scenario = { seed: 1, days: 0.12, sites: 8, networks: 24, viewers: 40 };

test.each([1, 2])('seed %i: auto near the oracle, and never worse than nearest', seed => {
  const run = (tracker: Parameters<typeof simulate>[0]) => simulate(tracker, { ...SHORT, seed });
  const [auto, nearest, oracle] = [run('auto'), run('nearest'), run('oracle')];
  expect(auto.segments).toBeGreaterThan(10_000);
  // Promised over days: 0.9. In so few hours more of the time goes into finding out.
  expect(auto.throughputBps / oracle.throughputBps).toBeGreaterThan(0.85);
  expect(auto.throughputBps).toBeGreaterThanOrEqual(nearest.throughputBps);
  expect(auto.stallSPerHour).toBeLessThanOrEqual(nearest.stallSPerHour + 0.5);
});

test('the same seed is the same run', () => {
  const tiny = { ...SHORT, days: 0.01 };
  expect(simulate('auto', tiny)).toEqual(simulate('auto', tiny));
});
