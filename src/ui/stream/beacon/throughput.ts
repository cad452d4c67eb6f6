/** Estimates the throughput of a path from the arrival times of a sample. Pure. */
export interface Arrival {
  readonly atMs: number;
  /** Total bytes so far. */
  readonly bytes: number;
}

/** A smaller part of a sample does not show the throughput. */
const MIN_WINDOW_BYTES = 32_768;
/** A peak far above the mean is a burst out of a buffer, not the path. */
const MAX_PEAK_TO_MEAN = 3;
const MIN_WINDOW_MS = 0.5;

/**
 * Bits per second; 0 without enough arrivals. A connection in slow start delivers in bursts. Within a burst, bytes arrive at
 * the throughput of the path.
 */
export function estimateThroughputBps(arrivals: readonly Arrival[]): number {
  const rate = (from: Arrival, to: Arrival): number =>
    ((to.bytes - from.bytes) * 8_000) / Math.max(MIN_WINDOW_MS, to.atMs - from.atMs);
  const [first] = arrivals;
  const last = arrivals.at(-1);
  if (!first || !last || first === last) return 0;
  const mean = rate(first, last);
  let peak = mean;
  for (const from of arrivals) {
    const to = arrivals.find(each => each.bytes - from.bytes >= MIN_WINDOW_BYTES);
    if (to) peak = Math.max(peak, rate(from, to));
  }
  return Math.min(peak, MAX_PEAK_TO_MEAN * mean);
}
