/**
 * Aggregates the samples of one network per site. Each reporter counts as a share of its own access link, and small
 * groups have less weight. A summary stays valid until a new sample arrives (slightly longer for a wider network): all
 * weights and all baselines decay at the same rate, so later values are computed from it. The values are stored in one
 * array of numbers, because a tracker remembers more networks than fit into a processor's cache. Pure; time is an
 * argument.
 */
import type { SiteTable } from '../choice/sites.ts';
import { AccessLinkBaseline, QUORUM } from './access-link-baseline.ts';
import {
  type Cell,
  type Estimate,
  estimate,
  failingUntilMs,
  NO_ESTIMATE,
  type Reporter,
  remainingWeight,
  rttOfCell,
} from './cell.ts';

const SMALL_GROUP_WEIGHT = 0.25;

/** The throughput of a site as a share of each reporter's own access link (as a logarithm). */
export const shareOf = (
  cell: Pick<Cell, 'reporters'>,
  baseline: AccessLinkBaseline,
  nowMs: number,
): Estimate =>
  estimate(
    cell,
    nowMs,
    undefined,
    reporter => reporter.logBps - (baseline.of(reporter.reporterId, nowMs) ?? reporter.logBps),
  );
/** The same for a single reporter. */
export const shareOfOne = (reporter: Reporter, baseline: AccessLinkBaseline, nowMs: number): Estimate =>
  shareOf({ reporters: [reporter] }, baseline, nowMs);

export const countOthers = ({ reporters }: Cell, reporterId: number | undefined): number =>
  reporters.reduce((sum, reporter) => sum + (reporter.reporterId === reporterId ? 0 : reporter.count), 0);

/** A single other reporter is ignored. Two get a reduced weight, and their estimate is clamped to a factor of two. */
export function withQuorum(estimated: Estimate, others: number): Estimate {
  if (others >= QUORUM || estimated.logBps === undefined) return estimated;
  if (others < 2) return NO_ESTIMATE;
  return { ...clampToDouble(estimated), weight: SMALL_GROUP_WEIGHT * estimated.weight };
}
/** Limits the effect of an estimate to a factor of two. */
export const clampToDouble = (estimated: Estimate): Estimate => ({
  ...estimated,
  logBps:
    estimated.logBps === undefined ? undefined : Math.min(Math.LN2, Math.max(-Math.LN2, estimated.logBps)),
});

/** Number and meaning of the values of one site in the array. */
const FIELDS = 8;
const INDEX = 0;
const SHARE = 1;
const WEIGHT = 2;
const NEWEST_MS = 3;
const RTT_MS = 4;
const FAILING_UNTIL_MS = 5;
const OTHERS = 6;
const REPORTERS = 7;

/** The estimates for a viewer that has not reported. */
export class NetworkSummary {
  readonly count: number;
  readonly #table: SiteTable;
  readonly #atMs: number;
  readonly #row: Float64Array;
  /** Reporters in this network. They also use their own samples. */
  readonly #reporterIds: Float64Array;
  /** Median baseline of the reporters; NaN without one. */
  readonly #accessLinkLogBps: number;
  readonly #hasQuorum: boolean;

  constructor(cells: readonly Cell[], baseline: AccessLinkBaseline, table: SiteTable, nowMs: number) {
    this.#table = table;
    this.#atMs = nowMs;
    const known = cells.filter(({ site }) => table.indexOf.has(site));
    this.count = known.length;
    this.#row = Float64Array.from(
      known.flatMap(cell => {
        const { logBps = Number.NaN, weight, ageMs } = shareOf(cell, baseline, nowMs);
        const index = table.indexOf.get(cell.site) ?? -1;
        const rttMs = rttOfCell(cell) ?? Number.NaN;
        return [
          index,
          logBps,
          weight,
          nowMs - ageMs,
          rttMs,
          failingUntilMs(cell),
          countOthers(cell, undefined),
          cell.reporters.length,
        ];
      }),
    );
    const reporterIds = cells.flatMap(({ reporters, failures }) =>
      [...reporters, ...failures].map(({ reporterId }) => reporterId),
    );
    this.#reporterIds = Float64Array.from(new Set([...reporterIds, ...baseline.reporters()]));
    this.#accessLinkLogBps = baseline.median(nowMs) ?? Number.NaN;
    this.#hasQuorum = baseline.expected(undefined, nowMs) !== undefined;
  }

  /** True if the summary is for this table and not older than `forMs`. */
  holds(table: SiteTable, nowMs: number, forMs: number): boolean {
    return this.#table === table && nowMs >= this.#atMs && nowMs - this.#atMs < forMs;
  }

  hasReported(reporterId: number): boolean {
    return this.#reporterIds.includes(reporterId);
  }

  /** The median baseline; undefined without reporters. `expectedAccessLink` also requires a quorum. */
  medianAccessLink(nowMs: number): number | undefined {
    return Number.isNaN(this.#accessLinkLogBps)
      ? undefined
      : this.#accessLinkLogBps - AccessLinkBaseline.decayOver(nowMs - this.#atMs);
  }
  expectedAccessLink(nowMs: number): number | undefined {
    return this.#hasQuorum ? this.medianAccessLink(nowMs) : undefined;
  }

  indexAt(at: number): number {
    return this.#row[at * FIELDS + INDEX] as number;
  }
  /** Position of a site in the array; -1 without samples. */
  find(index: number): number {
    for (let at = 0; at < this.count; at++) if (this.indexAt(at) === index) return at;
    return -1;
  }
  isFailingAt(at: number, nowMs: number): boolean {
    return nowMs < (this.#row[at * FIELDS + FAILING_UNTIL_MS] as number);
  }
  rttAt(at: number): number | undefined {
    const rttMs = this.#row[at * FIELDS + RTT_MS] as number;
    return Number.isNaN(rttMs) ? undefined : rttMs;
  }
  reportersAt(at: number): number {
    return this.#row[at * FIELDS + REPORTERS] as number;
  }
  /** Estimate of all reporters. */
  allAt(at: number, nowMs: number): Estimate {
    const from = at * FIELDS;
    const share = this.#row[from + SHARE] as number;
    if (Number.isNaN(share)) return NO_ESTIMATE;
    const elapsedMs = nowMs - this.#atMs;
    return {
      logBps: share + AccessLinkBaseline.decayOver(elapsedMs),
      weight: (this.#row[from + WEIGHT] as number) * remainingWeight(elapsedMs),
      ageMs: nowMs - (this.#row[from + NEWEST_MS] as number),
    };
  }
  /** Estimate after the quorum rule. */
  trustedAt(at: number, nowMs: number): Estimate {
    return withQuorum(this.allAt(at, nowMs), this.#row[at * FIELDS + OTHERS] as number);
  }
}
