/** How fast a site delivered a segment. Pure. */
export interface SegmentReport {
  readonly host: string;
  /** Bits per second; undefined if the segment failed. */
  readonly bps: number | undefined;
}

/** The load time of a smaller segment depends more on the round trip than on the throughput. */
const MIN_MEASURED_BYTES = 20_000;

/** Undefined if the segment does not show the throughput. */
export const measureSegment = (
  host: string,
  loadedBytes: number,
  loadMs: number,
): SegmentReport | undefined =>
  loadedBytes >= MIN_MEASURED_BYTES && loadMs > 0 ? { host, bps: (loadedBytes * 8_000) / loadMs } : undefined;
