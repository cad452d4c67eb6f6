/** Estimates the throughput of a large segment from a small sample. Pure. */

/** Bits that a connection may send before the first acknowledgement (RFC 6928): ten segments. */
const INITIAL_WINDOW_BITS = 10 * 1_460 * 8;
const MIN_SEGMENT_BITS = 8e6;

/**
 * Throughput of a whole segment over a path with this round trip and rate: the connection doubles its window in each
 * round trip until the path is full, and then continues at its rate.
 */
export function segmentThroughput(rttMs: number, rateBps: number, segmentBits = MIN_SEGMENT_BITS): number {
  const pipeBits = Math.min(segmentBits, (rateBps * rttMs) / 1_000);
  const rounds = 1 + Math.max(0, Math.log2(pipeBits / INITIAL_WINDOW_BITS));
  return segmentBits / ((rttMs * rounds) / 1_000 + segmentBits / rateBps);
}
