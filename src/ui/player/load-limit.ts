/** How long a segment may take to load before hls.js leaves the site. Pure. */
const USUAL_LIMIT_MS = 6_000;
const LONGEST_LIMIT_MS = 60_000;
/** A segment may take this many times what the viewer's own line would need for it. */
const PATIENCE = 2.5;

export interface LineFacts {
  readonly segmentSeconds: number;
  readonly lowestBitrateBps: number;
  readonly throughputBps: number;
  /** Segments in a row that were under way and did not come in time: the line may be slower than it was thought. */
  readonly slowInARow: number;
}

/** A viewer whose line is slower than the lowest rung would otherwise be sent from site to site, and see nothing. */
export function chooseLoadLimitMs(line: LineFacts): number {
  const ownMs =
    line.throughputBps > 0 ? (line.segmentSeconds * 1000 * line.lowestBitrateBps) / line.throughputBps : 0;
  const limit = Math.max(USUAL_LIMIT_MS, ownMs * PATIENCE) * 2 ** line.slowInARow;
  return Math.min(LONGEST_LIMIT_MS, Math.round(limit));
}
