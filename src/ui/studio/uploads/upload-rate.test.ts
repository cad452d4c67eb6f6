import { describe, expect, it } from 'vitest';
import { estimateRemainingMs, startRate, updateRate } from './upload-rate.ts';

describe('the rate of an upload', () => {
  const first = updateRate(startRate(0, 0), 1_000, 1_000);
  it('is measured over half a second or more', () => {
    expect(first.bytesPerSecond).toBe(1_000);
    expect(updateRate(first, 1_100, 1_499)).toBe(first);
    expect(updateRate(first, 1_100, 1_500)).not.toBe(first);
  });
  it('is smoothed', () => {
    expect(updateRate(first, 3_000, 2_000).bytesPerSecond).toBe(1_300);
    expect(updateRate(first, 1_000, 2_000).bytesPerSecond).toBe(700);
  });
  it('starts again when the count falls back', () => {
    expect(updateRate(first, 10, 2_000)).toEqual(startRate(10, 2_000));
  });
  it('gives the remaining time, or nothing before the first sample', () => {
    expect(estimateRemainingMs(first, 3_000, 1_000)).toBe(2_000);
    expect(estimateRemainingMs(startRate(0, 0), 3_000, 0)).toBeUndefined();
    expect(estimateRemainingMs({ ...first, bytesPerSecond: 0 }, 3_000, 0)).toBeUndefined();
  });
});
