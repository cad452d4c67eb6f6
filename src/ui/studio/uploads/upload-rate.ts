/** The rate of an upload, smoothed over several seconds, and the time that remains. Pure. */
const SAMPLE_MS = 500;
/** The share of the newest sample. */
const SMOOTHING = 0.3;

export interface UploadRate {
  /** Undefined until the first sample is complete. */
  readonly bytesPerSecond: number | undefined;
  readonly atMs: number;
  readonly bytes: number;
}

export const startRate = (bytes: number, nowMs: number): UploadRate => ({
  bytesPerSecond: undefined,
  atMs: nowMs,
  bytes,
});

export function updateRate(rate: UploadRate, bytes: number, nowMs: number): UploadRate {
  // A resumed upload continues at what the site has, which may be less than was sent.
  if (bytes < rate.bytes) return startRate(bytes, nowMs);
  const elapsedMs = nowMs - rate.atMs;
  if (elapsedMs < SAMPLE_MS) return rate;
  const sample = ((bytes - rate.bytes) * 1000) / elapsedMs;
  const before = rate.bytesPerSecond ?? sample;
  return { bytesPerSecond: before + SMOOTHING * (sample - before), atMs: nowMs, bytes };
}

/** Undefined while it cannot be estimated. */
export const estimateRemainingMs = (
  { bytesPerSecond }: UploadRate,
  totalBytes: number,
  sentBytes: number,
): number | undefined => (bytesPerSecond ? ((totalBytes - sentBytes) / bytesPerSecond) * 1000 : undefined);
