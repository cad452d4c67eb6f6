import { describe, expect, it } from 'vitest';
import { type Arrival, estimateThroughputBps } from './throughput.ts';

const arrivals = (...pairs: readonly (readonly [number, number])[]): readonly Arrival[] =>
  pairs.map(([atMs, bytes]) => ({ atMs, bytes }));

describe('the throughput of a path', () => {
  it('is unknown without two arrivals', () => {
    expect(estimateThroughputBps([])).toBe(0);
    expect(estimateThroughputBps(arrivals([5, 100]))).toBe(0);
  });
  it('is the mean of a small sample', () => {
    expect(estimateThroughputBps(arrivals([0, 0], [10, 10_000]))).toBe(8_000_000);
  });
  it('is the rate within a burst of a connection in slow start', () => {
    // 40 kB in 20 ms after a round trip of 20 ms: the mean is half of the rate within the burst.
    expect(estimateThroughputBps(arrivals([0, 0], [20, 0], [40, 40_000]))).toBe(16_000_000);
  });
  it('is at most three times the mean: a buffer delivers faster than the path', () => {
    expect(estimateThroughputBps(arrivals([0, 0], [100, 100], [100.1, 50_100]))).toBeCloseTo(
      (3 * 50_100 * 8_000) / 100.1,
    );
  });
});
