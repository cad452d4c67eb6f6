/** How fast an upload goes, smoothed over some seconds, and how long it will take. Pure. */
const SAMPLE_MS = 500;
/** Weight of the newest sample. */
const WEIGHT = 0.3;

export interface Rate {
  readonly bytesPerSecond: number | undefined;
  readonly atMs: number;
  readonly bytes: number;
}

export const beginRate = (bytes: number, nowMs: number): Rate => ({
  bytesPerSecond: undefined,
  atMs: nowMs,
  bytes,
});

export function measureRate(rate: Rate, bytes: number, nowMs: number): Rate {
  // After a resumption the count begins lower than it was.
  if (bytes < rate.bytes) return beginRate(bytes, nowMs);
  const elapsedMs = nowMs - rate.atMs;
  if (elapsedMs < SAMPLE_MS) return rate;
  const sample = ((bytes - rate.bytes) * 1000) / elapsedMs;
  const before = rate.bytesPerSecond ?? sample;
  return { bytesPerSecond: before + WEIGHT * (sample - before), atMs: nowMs, bytes };
}

/** Undefined while nothing can be said. */
export const estimateLeftMs = (rate: Rate, totalBytes: number, bytes: number): number | undefined =>
  rate.bytesPerSecond ? ((totalBytes - bytes) / rate.bytesPerSecond) * 1000 : undefined;
