/** How long a segment may take to load before hls.js switches to another site. Pure. */
const DEFAULT_LIMIT_MS = 6_000;
const MAX_LIMIT_MS = 60_000;
/** A segment may take this many times as long as the viewer's own connection needs for it. */
const TOLERANCE = 2.5;

export interface ConnectionFacts {
  readonly segmentSeconds: number;
  readonly lowestBitrateBps: number;
  readonly throughputBps: number;
  /** Consecutive segments that were loading and timed out: the connection may be slower than estimated. */
  readonly timeoutsInARow: number;
}

/** Without this, a viewer whose connection is slower than the lowest rendition is sent from site to site and sees nothing. */
export function chooseLoadLimitMs(connection: ConnectionFacts): number {
  const { segmentSeconds, lowestBitrateBps, throughputBps, timeoutsInARow } = connection;
  const ownMs = throughputBps > 0 ? (segmentSeconds * 1000 * lowestBitrateBps) / throughputBps : 0;
  const limitMs = Math.max(DEFAULT_LIMIT_MS, ownMs * TOLERANCE) * 2 ** timeoutsInARow;
  return Math.min(MAX_LIMIT_MS, Math.round(limitMs));
}
