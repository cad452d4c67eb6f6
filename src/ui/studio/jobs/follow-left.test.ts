import { expect, it } from 'vitest';
import { followLeft, type Left, roundLeft } from './follow-left.ts';

it('a remaining time counts down, ignores noise, and follows another estimate without a jump', () => {
  let shown: Left | undefined = followLeft(undefined, 600_000, 0);
  shown = followLeft(shown, 610_000, 10_000);
  expect(shown.leftMs).toBe(590_000);
  const doubled = followLeft(shown, 1_180_000, 10_000);
  expect(doubled.leftMs).toBe(590_000 + 0.3 * 590_000);
  for (let second = 11; second < 60; second++) shown = followLeft(shown, 1_180_000, second * 1_000);
  expect(shown.leftMs).toBeGreaterThan(1_000_000);
  expect([roundLeft(400), roundLeft(11_000), roundLeft(61_500)]).toEqual([5_000, 15_000, 61_500]);
});
