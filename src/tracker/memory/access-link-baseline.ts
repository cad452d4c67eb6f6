/**
 * What each reporter's own line is good for: the best that it lately had from any site, fading slowly, so that a site which
 * gives less is seen to do so. Where two sites that were measured a moment ago agree on less, the line itself is slower now.
 * Pure; time is an argument.
 */
import type { Cell } from './cell.ts';

const MAX_LINES = 32;
/** A median of fewer hears whoever lies. */
export const QUORUM = 3;
/** Until it is half as much. */
const HALF_LIFE_MS = 900_000;
const FRESH_MS = 90_000;
/** What two fresh sites may fall short of the line by. */
const MARGIN = Math.log(1.15);

const FADE_PER_MS = Math.LN2 / HALF_LIFE_MS;

interface Line {
  readonly logBps: number;
  readonly atMs: number;
}
/** All lines fade alike, so what they were at one moment orders them for ever. */
const atZero = ({ logBps, atMs }: Line): number => logBps + FADE_PER_MS * atMs;

export class Lines {
  /** Longest silent first. */
  readonly #lines = new Map<number, Line>();
  /** The middle one, until somebody speaks. */
  #middle: number | undefined;

  /** By how much every line is less after so long. */
  static fadedBy(ms: number): number {
    return FADE_PER_MS * ms;
  }

  /** `logBps`: what this reporter says of a site, smoothed. */
  hear(who: number, logBps: number, cells: readonly Cell[], nowMs: number): void {
    const line = this.own(who, nowMs);
    const next = Math.max(logBps, Math.min(line ?? logBps, bestOfTwo(who, cells, nowMs) + MARGIN));
    this.#lines.delete(who);
    if (this.#lines.size >= MAX_LINES) {
      const oldest = this.#lines.keys().next();
      if (!oldest.done) this.#lines.delete(oldest.value);
    }
    this.#lines.set(who, { logBps: next, atMs: nowMs });
    this.#middle = undefined;
  }

  /** Who has a line here. */
  reporters(): Iterable<number> {
    return this.#lines.keys();
  }

  /** Of this reporter; undefined where it has not spoken of late. */
  own(who: number, nowMs: number): number | undefined {
    const line = this.#lines.get(who);
    return line && line.logBps - FADE_PER_MS * Math.max(0, nowMs - line.atMs);
  }

  /** Of this reporter, or of one that is like the others, where there are enough of them to tell. */
  usual(who: number | undefined, nowMs: number): number | undefined {
    const own = who === undefined ? undefined : this.own(who, nowMs);
    if (own !== undefined) return own;
    return this.#lines.size < QUORUM ? undefined : this.middle(nowMs);
  }

  /** The middle one of all, however few. */
  middle(nowMs: number): number | undefined {
    if (this.#lines.size === 0) return undefined;
    if (this.#middle === undefined) {
      const all = [...this.#lines.values()].map(atZero).sort((a, b) => a - b);
      this.#middle = all[all.length >> 1] as number;
    }
    return this.#middle - FADE_PER_MS * nowMs;
  }
}

/** The better of what this reporter says of two sites or more that it measured just now; +∞ where it did not. */
function bestOfTwo(who: number, cells: readonly Cell[], nowMs: number): number {
  let best = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (const { reporters } of cells) {
    const reporter = reporters.find(each => each.who === who);
    if (!reporter || Number.isNaN(reporter.logBps) || nowMs - reporter.atMs > FRESH_MS) continue;
    best = Math.max(best, reporter.logBps);
    count++;
  }
  return count < 2 ? Number.POSITIVE_INFINITY : best;
}
