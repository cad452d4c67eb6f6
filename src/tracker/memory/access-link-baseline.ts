/**
 * Baseline of the access links in one network: the best recent throughput of each reporter from any site. It decays
 * slowly, so that a site that delivers less is noticed. If two sites that were just measured agree on less, the access
 * link itself has become slower. Pure; time is an argument.
 */
import type { Cell } from './cell.ts';

const MAX_REPORTERS = 32;
/** With fewer reporters, a single false report could determine the median. */
export const QUORUM = 3;
/** The baseline halves in this time. */
const HALF_LIFE_MS = 900_000;
const FRESH_MS = 90_000;
/** Two fresh measurements must fall short of the baseline by more than this. */
const MARGIN = Math.log(1.15);

const DECAY_PER_MS = Math.LN2 / HALF_LIFE_MS;

interface Baseline {
  readonly logBps: number;
  readonly atMs: number;
}
/** All baselines decay at the same rate, so their values at time 0 give an order that never changes. */
const atZero = ({ logBps, atMs }: Baseline): number => logBps + DECAY_PER_MS * atMs;

export class AccessLinkBaseline {
  /** Ordered by last sample, oldest first. */
  readonly #baselines = new Map<number, Baseline>();
  /** The cached median; undefined after a new sample. */
  #median: number | undefined;

  /** Decrease of the logarithm of every baseline in this time. */
  static decayOver(ms: number): number {
    return DECAY_PER_MS * ms;
  }

  /** Records the smoothed throughput of a site as this reporter measured it. */
  record(reporterId: number, logBps: number, cells: readonly Cell[], nowMs: number): void {
    const before = this.of(reporterId, nowMs);
    const next = Math.max(logBps, Math.min(before ?? logBps, bestOfFresh(reporterId, cells, nowMs) + MARGIN));
    this.#baselines.delete(reporterId);
    if (this.#baselines.size >= MAX_REPORTERS) {
      const oldest = this.#baselines.keys().next();
      if (!oldest.done) this.#baselines.delete(oldest.value);
    }
    this.#baselines.set(reporterId, { logBps: next, atMs: nowMs });
    this.#median = undefined;
  }

  /** The reporters with a baseline. */
  reporters(): Iterable<number> {
    return this.#baselines.keys();
  }

  /** Baseline of this reporter; undefined without recent samples. */
  of(reporterId: number, nowMs: number): number | undefined {
    const found = this.#baselines.get(reporterId);
    return found && found.logBps - DECAY_PER_MS * Math.max(0, nowMs - found.atMs);
  }

  /** Baseline of this reporter, or the median if there are enough reporters. */
  expected(reporterId: number | undefined, nowMs: number): number | undefined {
    const own = reporterId === undefined ? undefined : this.of(reporterId, nowMs);
    if (own !== undefined) return own;
    return this.#baselines.size < QUORUM ? undefined : this.median(nowMs);
  }

  /** The median of all baselines, regardless of their number. */
  median(nowMs: number): number | undefined {
    if (this.#baselines.size === 0) return undefined;
    if (this.#median === undefined) {
      const all = [...this.#baselines.values()].map(atZero).sort((a, b) => a - b);
      this.#median = all[all.length >> 1] as number;
    }
    return this.#median - DECAY_PER_MS * nowMs;
  }
}

/** The better throughput of two or more sites that this reporter just measured; +∞ if it measured fewer. */
function bestOfFresh(reporterId: number, cells: readonly Cell[], nowMs: number): number {
  let best = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (const { reporters } of cells) {
    const reporter = reporters.find(each => each.reporterId === reporterId);
    if (!reporter || Number.isNaN(reporter.logBps) || nowMs - reporter.atMs > FRESH_MS) continue;
    best = Math.max(best, reporter.logBps);
    count++;
  }
  return count < 2 ? Number.POSITIVE_INFINITY : best;
}
